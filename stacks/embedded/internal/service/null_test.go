package service_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

func null(t *testing.T, model string) *service.Null {
	m, err := store.Describe(tiny.Store(t), model)
	require.NoError(t, err)
	return service.NewNull(m, service.Info{Model: model})
}

func TestNullAnswersInTheModelsShape(t *testing.T) {
	ctx := context.Background()
	image := null(t, tiny.Image)
	out, err := image.Classify(ctx, make([][]byte, 3))
	require.NoError(t, err)
	require.Equal(t, []int64{3, tiny.Classes}, out.Shape)
	require.Len(t, out.F32, 3*tiny.Classes)
	require.Equal(t, "logits", out.Name)

	text := null(t, tiny.Text)
	files := tensor.Tensor{Name: "TEXT", Type: tensor.BYTES, Shape: []int64{2}, Bytes: [][]byte{[]byte("a"), []byte("b")}}
	out, err = text.Infer(ctx, "tiny-text_text", []tensor.Tensor{files})
	require.NoError(t, err)
	require.Equal(t, []int64{2, tiny.Dim}, out.Shape)
	norm := float32(0)
	for _, v := range out.F32[:tiny.Dim] {
		norm += v * v
	}
	require.InDelta(t, 1, norm, 0.2)
}

func TestNullChecksRequestsLikeTheRealServer(t *testing.T) {
	ctx := context.Background()
	image := null(t, tiny.Image)
	_, err := image.Infer(ctx, "x", nil)
	require.Equal(t, fault.Unknown, fault.KindOf(err))
	_, err = image.Infer(ctx, tiny.Image, nil)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	_, _, err = image.Embed(ctx, []string{"a"})
	require.Equal(t, fault.Unknown, fault.KindOf(err))
	_, err = null(t, tiny.Text).Classify(ctx, nil)
	require.Equal(t, fault.Unknown, fault.KindOf(err))
	err = image.Generate(ctx, generation.Request{Prompt: "a", Max: 1}, nil)
	require.Equal(t, fault.Unknown, fault.KindOf(err))
}

func TestNullGeneratesMaxTokens(t *testing.T) {
	n := null(t, tiny.Decoder)
	var chunks []generation.Chunk
	keep := func(c generation.Chunk) error { chunks = append(chunks, c); return nil }
	require.NoError(t, n.Generate(context.Background(), generation.Request{Prompt: "a", Max: 2}, keep))
	require.Equal(t, []generation.Chunk{{Text: " null", Tokens: 1, Prompt: 1, Total: 1}, {Text: " null", Tokens: 1, Prompt: 1, Total: 2, Finish: "length"}}, chunks)
	err := n.Generate(context.Background(), generation.Request{Prompt: "a"}, keep)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	gone, leave := context.WithCancel(context.Background())
	leave()
	err = n.Generate(gone, generation.Request{Prompt: "a", Max: 2}, keep)
	require.Equal(t, fault.Gone, fault.KindOf(err))
	err = n.Generate(context.Background(), generation.Request{Prompt: "a", Max: 2}, func(generation.Chunk) error { return io.EOF })
	require.Equal(t, fault.Gone, fault.KindOf(err))
	_, err = n.Infer(context.Background(), tiny.Decoder, nil)
	require.ErrorContains(t, err, "ask it by ModelStreamInfer")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	_, _, err = n.Embed(context.Background(), []string{"a"})
	require.Equal(t, fault.Unknown, fault.KindOf(err))
}
