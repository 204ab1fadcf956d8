package boot

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestDefaultBase(t *testing.T) {
	require.Equal(t, "python:3.11-slim", defaultBase("# syntax\nARG BASE=python:3.11-slim\nFROM ${BASE}\n"))
	require.Equal(t, "a/b:c@sha256:d", defaultBase("arg  base=\"a/b:c@sha256:d\"\n"))
	require.Equal(t, "", defaultBase("ARG BASE\nFROM x\n"))
	require.Equal(t, "", defaultBase("FROM scratch\n"))
}

func TestPinned(t *testing.T) {
	require.Equal(t, "a:1", pinned(stack.Image{Ref: "a:1"}))
	require.Equal(t, "a:1@sha256:00", pinned(stack.Image{Ref: "a:1", Digest: "sha256:00"}))
}

func TestBuildHash(t *testing.T) {
	hash := func(dockerfile, base string, files fstest.MapFS) string {
		t.Helper()
		h, err := buildHash(stack.Build{Context: files, Dockerfile: dockerfile}, base)
		require.NoError(t, err)
		return h
	}
	first := hash("D", "sha256:1", fstest.MapFS{"a": {Data: []byte("1")}, "b/c": {Data: []byte("2")}})
	require.Equal(t, first, hash("D", "sha256:1", fstest.MapFS{"b/c": {Data: []byte("2")}, "a": {Data: []byte("1")}}))
	for _, other := range []string{
		hash("E", "sha256:1", fstest.MapFS{"a": {Data: []byte("1")}, "b/c": {Data: []byte("2")}}),
		hash("D", "sha256:2", fstest.MapFS{"a": {Data: []byte("1")}, "b/c": {Data: []byte("2")}}),
		hash("D", "sha256:1", fstest.MapFS{"a": {Data: []byte("1")}, "b/c": {Data: []byte("3")}}),
		hash("D", "sha256:1", fstest.MapFS{"a": {Data: []byte("1")}, "b/d": {Data: []byte("2")}}),
		hash("D", "sha256:1", fstest.MapFS{"a": {Data: []byte("1b/c2")}}),
	} {
		require.NotEqual(t, first, other)
	}
}

func TestArchiveKeepsProgramsExecutable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, archive([]fs.FS{fstest.MapFS{"run.sh": {}, "tool": {Data: []byte("#!/bin/sh\n")}}, fstest.MapFS{"d/text": {Data: []byte("x")}}}, &b))
	modes := map[string]int64{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		modes[h.Name] = h.Mode
	}
	require.Equal(t, map[string]int64{"run.sh": 0o755, "tool": 0o755, "d/text": 0o644}, modes)
}

func TestFollow(t *testing.T) {
	check := func(in, out, msg string) {
		t.Helper()
		var b strings.Builder
		err := follow(strings.NewReader(in), &b)
		require.Equal(t, out, b.String())
		if msg == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, msg)
		}
	}
	check("", "", "")
	check(`{"stream":"Step 1/2\n"}`+"\n"+`{"stream":"ok\n"}`, "Step 1/2\nok\n", "")
	check(`{"status":"Pulling","id":"abc"}{"status":"Downloading","progressDetail":{"current":1,"total":2}}`, "abc Pulling\n", "")
	check(`{"stream":"x"}{"errorDetail":{"message":"no space left on device"},"error":"no"}{"stream":"y"}`, "x", "no space left on device")
	check(`{"stream":"x"}{"str`, "x", "read the daemon's answer: unexpected EOF")
}

func FuzzFollow(f *testing.F) {
	f.Add(`{"stream":"Step"}{"status":"Pulling","id":"abc"}`)
	f.Add(`{"errorDetail":{"code":1,"message":"m"}}`)
	f.Add(`[]`)
	f.Add(`{"aux":{"ID":"sha256:1"}}null`)
	f.Fuzz(func(_ *testing.T, in string) {
		_ = follow(strings.NewReader(in), io.Discard) // must end, and must not panic
	})
}
