package onnx

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

// numbers are ids of words, or ones, in rows of a width.
func numbers(name string, width int, values ...int64) tensor.Tensor {
	return tensor.Tensor{Name: name, Type: tensor.INT64, Shape: []int64{int64(len(values) / width), int64(width)}, I64: values}
}

// TestPartsOfAModel runs an encoder, and its output through a decoder.
func TestPartsOfAModel(t *testing.T) {
	needLibrary(t)
	m, err := store.Open(tiny.Parts(t), tiny.Pair)
	require.NoError(t, err)
	part := func(name string) *Part {
		p, err := OpenPart(m, name, stack.CPU, 1)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Close()) })
		return p
	}
	encoder, decoder := part("encoder"), part("decoder")
	for range 2 {
		ids, written := numbers("input_ids", 3, 2, 4, 3, 2, 9, 3), numbers("decoder_input_ids", 2, 2, 7, 2, 1)
		hidden, err := encoder.Run([]tensor.Tensor{ids, numbers("attention_mask", 3, 1, 1, 1, 1, 1, 1)})
		require.NoError(t, err)
		require.Len(t, hidden, 1)
		require.Equal(t, "hidden_states", hidden[0].Name)
		require.Equal(t, []int64{2, 3, tiny.Dim}, hidden[0].Shape)
		logits, err := decoder.Run([]tensor.Tensor{written, hidden[0]})
		require.NoError(t, err)
		requireClose(t, tiny.Logits(ids, written), logits[0])
	}
	_, err = encoder.Run([]tensor.Tensor{numbers("input_ids", 1, 2)})
	require.Error(t, err)
	_, err = decoder.Run([]tensor.Tensor{numbers("decoder_input_ids", 1, 2), {Name: "hidden_states", Type: tensor.BYTES, Shape: []int64{1}}})
	require.ErrorContains(t, err, "input hidden_states")

	_, err = OpenPart(m, "vocoder", stack.CPU, 1)
	require.EqualError(t, err, `model store: tiny-pair has no graph "vocoder" in fp32`)
	_, err = Open(m, stack.CPU, 1)
	require.EqualError(t, err, `model store: tiny-pair has no graph "model" in fp32`)
	_, err = OpenDecoder(m, stack.CPU, 1)
	require.EqualError(t, err, `model store: tiny-pair has no graph "model" in fp32`)
}

// TestInt8BesideFP32: two graphs of one name and one weights file give the
// answers of their own precision.
func TestInt8BesideFP32(t *testing.T) {
	needLibrary(t)
	m, err := store.Open(tiny.Parts(t), tiny.Variant)
	require.NoError(t, err)
	in := []tensor.Tensor{numbers("input_ids", 3, 2, 4, 3, 2, 9, 3), numbers("attention_mask", 3, 1, 1, 1, 1, 1, 0)}
	run := func(m *store.Model) tensor.Tensor {
		s, err := Open(m, stack.CPU, 1)
		require.NoError(t, err)
		defer s.Close()
		out, err := s.Run(in)
		require.NoError(t, err)
		return out
	}
	exact, err := tiny.Graph(tiny.Text).Run(in)
	require.NoError(t, err)
	requireClose(t, exact, run(m))

	m, err = m.In(stack.INT8)
	require.NoError(t, err)
	rounded, err := tiny.Rounded(in[0], in[1])
	require.NoError(t, err)
	got := run(m)
	requireClose(t, rounded, got)
	require.Greater(t, math.Abs(float64(exact.F32[0]-got.F32[0])), 1e-4, "it is not rounded")
	_, err = m.In("fp16")
	require.EqualError(t, err, "model store: tiny-variant has no graph in fp16")
}
