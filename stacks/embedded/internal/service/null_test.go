package service_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

// The tasks, as who asks for them has them.
type (
	inferrer interface {
		Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error)
	}
	classifier interface {
		Classify(ctx context.Context, files [][]byte) (tensor.Tensor, error)
	}
	embedder interface {
		Embed(ctx context.Context, texts []string) (tensor.Tensor, int, error)
	}
	generator interface {
		Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error
	}
)

func null(t *testing.T, model string) service.Served {
	m, err := store.Describe(tiny.Store(t), model)
	require.NoError(t, err)
	n, err := service.NewNull(m, service.Info{Model: model})
	require.NoError(t, err)
	return n
}

// does is a served model as one that does a task.
func does[T any](t *testing.T, s service.Served) T {
	t.Helper()
	model, err := service.As[T](s, "do that")
	require.NoError(t, err)
	return model
}

// lacks checks that a served model does not do a task.
func lacks[T any](t *testing.T, s service.Served) {
	t.Helper()
	_, err := service.As[T](s, "do that")
	require.EqualError(t, err, s.Info().Model+" does not do that")
	require.Equal(t, fault.Unknown, fault.KindOf(err))
}

func TestNullAnswersInTheModelsShape(t *testing.T) {
	ctx := context.Background()
	image := does[classifier](t, null(t, tiny.Image))
	out, err := image.Classify(ctx, make([][]byte, 3))
	require.NoError(t, err)
	require.Equal(t, []int64{3, tiny.Classes}, out.Shape)
	require.Len(t, out.F32, 3*tiny.Classes)
	require.Equal(t, "logits", out.Name)

	text := does[inferrer](t, null(t, tiny.Text))
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
	_, err := does[inferrer](t, image).Infer(ctx, "x", nil)
	require.Equal(t, fault.Unknown, fault.KindOf(err))
	_, err = does[inferrer](t, image).Infer(ctx, tiny.Image, nil)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	lacks[embedder](t, image)
	lacks[classifier](t, null(t, tiny.Text))
	lacks[generator](t, image)
}

func TestNullGeneratesMaxTokens(t *testing.T) {
	served := null(t, tiny.Decoder)
	n := does[generator](t, served)
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
	err = served.Specs()[0].Inferable()
	require.ErrorContains(t, err, "ask it by ModelStreamInfer")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	lacks[embedder](t, served)
	lacks[inferrer](t, served)
}

// A model is for exactly one task: the table's order does not matter.
func TestEveryModelHasOneTask(t *testing.T) {
	for model, warm := range map[string]int{tiny.Image: 1, tiny.Text: 2, tiny.Decoder: 0} {
		m, err := store.Describe(tiny.Store(t), model)
		require.NoError(t, err)
		require.Equal(t, 1, service.Tasks(m), model)
		require.Len(t, service.WarmUp(m), warm, model)
	}
	_, err := service.NewNull(&store.Model{Name: "m"}, service.Info{})
	require.EqualError(t, err, "model store: m is for no task that is served here")
	m, err := store.Describe(tiny.Store(t), tiny.Decoder)
	require.NoError(t, err)
	_, err = service.NewLive(m, service.Info{}, nil, nil, batch.Options{})
	require.EqualError(t, err, "model store: the graph of tiny-decoder is not executed once a request")
}
