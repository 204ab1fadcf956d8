package ort

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

// library compiles a shared library that says it is ONNX Runtime of a version.
func library(t testing.TB, path, version string) []byte {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	require.NoError(t, os.WriteFile(script, []byte("VERS_"+version+" { global: OrtGetApiBase; local: *; };"), 0o644))
	source := filepath.Join(dir, "lib.c")
	require.NoError(t, os.WriteFile(source, []byte("int OrtGetApiBase(void) { return 0; }"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	out, err := exec.Command("cc", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libonnxruntime.so.1", "-Wl,--version-script="+script, "-o", path, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// newFinder looks at nothing of this machine.
func newFinder(t testing.TB) *Finder {
	if runtime.GOOS != "linux" {
		t.Skip("the stand-in libraries are ELF files")
	}
	t.Setenv("STACKBENCH_ORT_LIB", "")
	f := New(t.TempDir(), stack.CPU)
	f.System, f.origins = nil, nil
	return f
}

// tgz packs files.
func tgz(t testing.TB, files map[string][]byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, body := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(body))}))
		_, err := w.Write(body)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return b.Bytes()
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// release serves an archive as the official release.
func release(t testing.TB, archive []byte) (origin, *httptest.Server) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(archive))
	}))
	t.Cleanup(server.Close)
	return origin{
		name: "release", library: "*/lib/libonnxruntime.so.*",
		release: fetch.Source{URL: server.URL + "/ort.tgz", SHA256: sum(archive), Size: int64(len(archive))},
	}, server
}

func requireTwoLines(t *testing.T, err error, what, cure string) {
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 2, err)
	require.Contains(t, lines[0], what)
	require.Contains(t, lines[1], cure)
}

func TestFindKeepsTheOrder(t *testing.T) {
	f := newFinder(t)
	system, given := t.TempDir(), filepath.Join(t.TempDir(), "mine.so")
	library(t, given, "1.24.0")
	archive := tgz(t, map[string][]byte{"ort/lib/libonnxruntime.so.1.30.0": library(t, filepath.Join(t.TempDir(), "a"), "1.30.0")})
	o, server := release(t, archive)
	f.origins = []origin{o}

	lib, err := f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, Library{Path: filepath.Join(f.Cache, "ort", "cpu", "libonnxruntime.so"), Version: "1.30.0", Source: "release"}, lib)
	require.NoFileExists(t, filepath.Join(f.Cache, "downloads", "ort.tgz"))
	require.Equal(t, "ONNX Runtime 1.30.0 (release)", lib.String())

	server.Close()
	again, err := f.Find(t.Context())
	require.NoError(t, err, "the cache needs no network")
	require.Equal(t, lib, again)

	library(t, filepath.Join(system, "libonnxruntime.so.1.25.1"), "1.25.1")
	library(t, filepath.Join(system, "libonnxruntime.so.1.26.0"), "1.26.0")
	library(t, filepath.Join(system, "libonnxruntime.so.1.9.0"), "1.9.0")
	f.System = []string{filepath.Join(system, "none"), system}
	lib, err = f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, Library{Path: filepath.Join(system, "libonnxruntime.so.1.26.0"), Version: "1.26.0", Source: "system"}, lib)

	f.Given = given
	lib, err = f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, Library{Path: given, Version: "1.24.0", Source: "STACKBENCH_ORT_LIB"}, lib)
	f.Given = system
	lib, err = f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, "1.26.0", lib.Version, "a folder stands for the newest in it")
}

func TestFindRefusesWhatTheUserNamed(t *testing.T) {
	f := newFinder(t)
	dir := t.TempDir()
	old, text := filepath.Join(dir, "old.so"), filepath.Join(dir, "text.so")
	library(t, old, "1.23.2")
	require.NoError(t, os.WriteFile(text, []byte("not a library"), 0o644))
	for path, want := range map[string]string{
		old:                          "ONNX Runtime 1.23.2 in " + old + " is too old: 1.24 or newer is needed",
		text:                         "text.so is no shared library",
		filepath.Join(dir, "absent"): "no such file",
		dir:                          "no libonnxruntime.so* of 1.24 or newer for " + runtime.GOOS + "/" + runtime.GOARCH,
	} {
		f.Given = path
		_, err := f.Find(t.Context())
		requireTwoLines(t, err, want, "unset it to have one fetched")
	}
}

func TestFindFetchesADamagedCacheAgain(t *testing.T) {
	f := newFinder(t)
	o, _ := release(t, tgz(t, map[string][]byte{"ort/lib/libonnxruntime.so.1.30.0": library(t, filepath.Join(t.TempDir(), "a"), "1.30.0")}))
	f.origins = []origin{o}
	want, err := f.Find(t.Context())
	require.NoError(t, err)
	for name, damage := range map[string]func() error{
		"half a library": func() error { return os.Truncate(want.Path, 1000) },
		"no record":      func() error { return os.Remove(filepath.Join(f.dir(), recordFile)) },
		"half a record":  func() error { return os.Truncate(filepath.Join(f.dir(), recordFile), 20) },
	} {
		require.NoError(t, damage(), name)
		got, err := f.Find(t.Context())
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestFindTriesOneOriginAfterTheOther(t *testing.T) {
	lib := library(t, filepath.Join(t.TempDir(), "a"), "1.30.0")
	o, server := release(t, nil)
	server.Close()
	pack := tgz(t, map[string][]byte{"package/libonnxruntime.so.1": lib})
	packed := filepath.Join(t.TempDir(), "node.tgz")
	require.NoError(t, os.WriteFile(packed, pack, 0o644))

	f := newFinder(t)
	f.Getter.Python = "no-such-python"
	f.Getter.NPM = filepath.Join(t.TempDir(), "npm")
	require.NoError(t, os.WriteFile(f.Getter.NPM, fmt.Appendf(nil, "#!/bin/sh\nwhile [ \"$1\" != --pack-destination ]; do shift; done; cp '%s' \"$2\"", packed), 0o755))
	f.origins = []origin{
		o,
		{name: "pip", library: "x", wheel: fetch.Wheel{Name: "onnxruntime", Version: "1.32.0", SHA256: sum(nil)}},
		{name: "npm", library: "package/libonnxruntime.so.1", tarball: fetch.Tarball{Name: "node", Version: "1", SHA256: sum(pack)}},
	}
	got, err := f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, "npm", got.Source)

	f = newFinder(t)
	f.Getter.Python = "no-such-python"
	f.origins = []origin{o, {name: "pip", wheel: fetch.Wheel{Name: "onnxruntime", Version: "1.32.0"}}}
	_, err = f.Find(t.Context())
	requireTwoLines(t, err, "no ONNX Runtime library: release: download ort.tgz: ", "set STACKBENCH_ORT_LIB")
	require.ErrorContains(t, err, "pip: pip download onnxruntime==1.32.0: no no-such-python on this machine")

	f.origins = nil
	_, err = f.Find(t.Context())
	requireTwoLines(t, err, "none is known for cpu on "+runtime.GOOS, "set STACKBENCH_ORT_LIB")
}

func TestFindErrors(t *testing.T) {
	f := newFinder(t)
	o, _ := release(t, tgz(t, map[string][]byte{"ort/lib/libonnxruntime.so.1": library(t, filepath.Join(t.TempDir(), "a"), "1.20.0")}))
	f.origins = []origin{o}
	_, err := f.Find(t.Context())
	require.ErrorContains(t, err, "1.20.0 in ", "what came is checked, too")
	f.Getter.Free = func(string) (int64, error) { return 10, nil }
	_, err = f.Find(t.Context())
	var space *fetch.SpaceError
	require.ErrorAs(t, err, &space)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Find(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestGPUNeedsTheProvider(t *testing.T) {
	f := newFinder(t)
	f.Device, f.System = stack.GPU, []string{t.TempDir()}
	lib := library(t, filepath.Join(f.System[0], "libonnxruntime.so"), "1.30.0")
	files := map[string][]byte{"ort/lib/libonnxruntime.so.1": lib, "ort/lib/" + cudaProvider: []byte("cuda")}
	o, _ := release(t, tgz(t, files))
	o.beside = []string{"*/lib/" + cudaProvider}
	f.origins = []origin{o}
	got, err := f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, "release", got.Source, "the system's has no CUDA")
	require.FileExists(t, filepath.Join(filepath.Dir(got.Path), cudaProvider))

	require.NoError(t, os.WriteFile(filepath.Join(f.System[0], cudaProvider), []byte("cuda"), 0o644))
	got, err = f.Find(t.Context())
	require.NoError(t, err)
	require.Equal(t, "system", got.Source)
}

// TestPublishedPackage fetches the real library, which CI has a registry for.
func TestPublishedPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads 28 MB")
	}
	f := newFinder(t)
	for _, o := range origins(f.triple, stack.CPU) {
		if o.wheel.Name != "" {
			f.origins = append(f.origins, o)
		}
	}
	if len(f.origins) == 0 {
		t.Skip("no wheel is pinned for this platform")
	}
	lib, err := f.Find(t.Context())
	if err != nil && strings.Contains(err.Error(), "pip download") {
		t.Skipf("no package registry here: %v", err)
	}
	require.NoError(t, err)
	require.Equal(t, "1.30.0", lib.Version)
}
