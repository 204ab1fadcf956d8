package onnx

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tiny"
)

func openDecoder(t testing.TB) *Decoder {
	t.Helper()
	needLibrary(t)
	m, err := store.Open(tiny.Store(t), tiny.Decoder)
	require.NoError(t, err)
	d, err := OpenDecoder(m, stack.CPU, 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// steps runs a sequence in the given portions, each held to the arithmetic in Go.
func steps(t testing.TB, d *Decoder, portions ...[]int64) {
	s, err := d.Begin(20)
	require.NoError(t, err)
	defer s.Close()
	var want tiny.Sequence
	for _, ids := range portions {
		got, err := s.Next(ids)
		require.NoError(t, err)
		logits, err := want.Next(ids)
		require.NoError(t, err)
		require.InDeltaSlice(t, logits, got, 1e-4)
	}
}

func TestTheCacheIsWhatAPromptWouldBe(t *testing.T) {
	d := openDecoder(t)
	steps(t, d, []int64{2, 3, 4, 5, 6, 7})
	steps(t, d, []int64{2, 3, 4}, []int64{5}, []int64{6}, []int64{7})
	steps(t, d, []int64{2}, []int64{3, 4}, []int64{5, 6, 7}, []int64{10}, []int64{9})
}

func TestSequencesDoNotMix(t *testing.T) {
	d := openDecoder(t)
	var all sync.WaitGroup
	for i := range int64(8) {
		all.Go(func() {
			for range 20 {
				steps(t, d, []int64{i, 1 + i}, []int64{i}, []int64{2 + i}, []int64{i})
			}
		})
	}
	all.Wait()
}

func TestASequenceHasItsRoom(t *testing.T) {
	s, err := openDecoder(t).Begin(3)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Next([]int64{1, 2, 3, 4})
	require.EqualError(t, err, "4 tokens after 0, in a sequence of 3")
	_, err = s.Next(nil)
	require.ErrorContains(t, err, "0 tokens")
	_, err = s.Next([]int64{1, 2, 3})
	require.NoError(t, err)
	_, err = s.Next([]int64{1})
	require.EqualError(t, err, "1 tokens after 3, in a sequence of 3")
}

// A step that fails leaves the sequence as it was.
func TestAFailedStep(t *testing.T) {
	s, err := openDecoder(t).Begin(5)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Next([]int64{2, 3})
	require.NoError(t, err)
	_, err = s.Next([]int64{99})
	require.ErrorContains(t, err, "out of data bounds")
	got, err := s.Next([]int64{4})
	require.NoError(t, err)
	want, err := (&tiny.Sequence{}).Next([]int64{2, 3, 4})
	require.NoError(t, err)
	require.InDeltaSlice(t, want, got, 1e-4)
}

// A graph of something else is known by the first tokens.
func TestWarmUpFindsAnotherGraph(t *testing.T) {
	needLibrary(t)
	dir := tiny.Store(t)
	m, err := store.Open(dir, tiny.Decoder)
	require.NoError(t, err)
	m.Decoder.Layers = 3
	d, err := OpenDecoder(m, stack.CPU, 1)
	if err == nil {
		err = generation.Warm(func(room int) (generation.Sequence, error) { return d.Begin(room) }, *m.Decoder)
		require.NoError(t, d.Close())
	}
	require.ErrorContains(t, err, "past_key_values.2.key")
	require.NoError(t, os.WriteFile(m.Path(m.Whole()), []byte("no graph"), 0o644))
	_, err = OpenDecoder(m, stack.CPU, 1)
	require.ErrorContains(t, err, "session of tiny-decoder")
}

// The trained model knows what it was asked.
func TestSmolLM2SaysParis(t *testing.T) {
	needLibrary(t)
	const name = "smollm2-135m-q4_1-dequant"
	dir, err := tiny.Prepared(name)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	require.NoError(t, err)
	m, err := store.Open(dir, name)
	require.NoError(t, err)
	d, err := OpenDecoder(m, stack.CPU, 1)
	require.NoError(t, err)
	defer d.Close()
	begin := func(room int) (generation.Sequence, error) { return d.Begin(room) }
	w, err := service.NewWriter(m, service.Info{Model: name}, begin, metrics.New(name), generation.Options{AtOnce: 1, Steps: 1})
	require.NoError(t, err)
	defer w.Close()
	text := ""
	err = w.Generate(t.Context(), generation.Request{Prompt: "The capital of France is", Max: 2}, func(c generation.Chunk) error {
		text += c.Text
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, " Paris.", text)
}
