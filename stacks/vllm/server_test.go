package vllm_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/model"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
	"stackbench/stacks/torchbase"
	"stackbench/stacks/vllm"
)

const gpt2 = "gpt2"

// real is how the real server is started in its container, with the store in
// models; without Docker the test is skipped.
func real(t *testing.T, models string, m stack.Model) boot.Spec {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the image and starts the real server")
	}
	s := boot.Spec{
		Stack: vllm.Stack(torchbase.Image()), Launcher: boot.Container, Cache: t.TempDir(),
		Run: stack.Run{Models: models, Model: m, Device: stack.CPU, Threads: 1},
		Ready: func(ctx context.Context, at stack.Endpoint) error {
			return send(ctx, at, prompt("Once", 1), openai.Whole).Err
		},
	}
	_, err := boot.Resolve(t.Context(), s)
	var not *boot.Unavailable
	if errors.As(err, &not) {
		t.Skip(not.Reason)
	}
	require.NoError(t, err)
	return s
}

func prompt(text string, tokens int) generation.Prompt {
	return generation.Prompt{Model: gpt2, Text: text, Tokens: tokens, Exact: true}
}

// send sends one request.
func send(ctx context.Context, at stack.Endpoint, p generation.Prompt, d openai.Delivery) record.Reply {
	failed := func(err error) record.Reply { return record.Reply{Outcome: record.Refused, Err: err} }
	r, err := openai.EncodeCompletion(p, d)
	if err != nil {
		return failed(err)
	}
	hear := openai.CompletionEvents()
	if d == openai.Whole {
		hear = openai.WholeEvents()
	}
	target, err := http1.NewStreamingTarget(at.REST, []http1.Request{r}, hear)
	if err != nil {
		return failed(err)
	}
	c, err := target.Dial(ctx)
	if err != nil {
		return failed(err)
	}
	defer c.Close()
	return c.Do(ctx, 0)
}

// TestTheRealServer asks it for text in every way that it gives some.
func TestTheRealServer(t *testing.T) {
	cache := t.TempDir()
	s := real(t, filepath.Join(cache, "models"), stack.Model{Name: gpt2})
	m, err := model.Open(cache).Prepare(t.Context(), gpt2, model.Seeded, nil)
	require.NoError(t, err)
	s.Run.Model = m.Model
	up, err := boot.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, up.Stop(context.Background())) })
	at, source := up.Endpoint, telemetry.Source{Kind: stack.VLLMMetrics, At: up.Endpoint, Model: gpt2}
	before, err := source.Read(t.Context())
	require.NoError(t, err)

	const asked, tokens = "The lighthouse keeper wrote", 12
	whole := send(t.Context(), at, prompt(asked, tokens), openai.Whole)
	require.NoError(t, whole.Err)
	text, err := openai.DecodeText(record.Answer{Body: whole.Body})
	require.NoError(t, err)
	require.Equal(t, tokens, text.Tokens)
	require.Equal(t, "length", text.Finish)
	require.NotEmpty(t, text.Text)
	for _, d := range []openai.Delivery{openai.Stream, openai.Counted} {
		streamed := send(t.Context(), at, prompt(asked, tokens), d)
		require.NoError(t, streamed.Err)
		again, err := openai.DecodeStream(record.Answer{Body: streamed.Body})
		require.NoError(t, err)
		require.LessOrEqual(t, again.Chunks, tokens, "bytes of a character may be withheld")
		again.Chunks = 0
		require.Equal(t, text, again, "greedy: the same text, however it comes")
		require.Equal(t, tokens, streamed.Output.Tokens)
	}

	did, err := counted(t, source, *before.Generation.Whole, 3).Since(before)
	require.NoError(t, err)
	require.Equal(t, &telemetry.Batches{Runs: 3 * tokens, Items: 3 * tokens}, did.Batches, "one sequence a step")
	require.InDelta(t, 3*tokens, *did.Generation.Tokens, 0)
	for count, sum := range map[float64]*telemetry.Sum{3: did.Generation.First, 3 * (tokens - 1): did.Generation.Between} {
		require.InDelta(t, count, sum.Count, 0)
		require.Positive(t, sum.Mean())
	}
	require.Greater(t, did.Generation.Whole.Mean(), did.Generation.First.Mean())
	require.Zero(t, did.Generation.Prefix.Share(), "the prompt was computed every time")
	require.Len(t, did.Stages, 3)
	now, err := source.Gauges(t.Context())
	require.NoError(t, err)
	require.Zero(t, now)

	tooLong := send(t.Context(), at, prompt(asked, 1024), openai.Stream)
	require.Equal(t, 400, tooLong.Code)
	other := prompt(asked, tokens)
	other.Model = "nope"
	require.Equal(t, 404, send(t.Context(), at, other, openai.Stream).Code)
}

// counted reads the page until it has that many requests more: vLLM counts an
// answer after it has sent it.
func counted(t *testing.T, source telemetry.Source, before telemetry.Sum, requests float64) telemetry.Reading {
	t.Helper()
	for {
		got, err := source.Read(t.Context())
		require.NoError(t, err)
		more := got.Generation.Whole.Count - before.Count
		require.LessOrEqual(t, more, requests)
		if more == requests {
			return got
		}
	}
}

// TestAnEmptyFolder is refused in the server's own words.
func TestAnEmptyFolder(t *testing.T) {
	s := real(t, t.TempDir(), stack.Model{Name: gpt2})
	s.Run.Model = stack.Model{Name: gpt2, Decoder: &stack.DecoderSpec{Context: 1024}}
	require.NoError(t, os.MkdirAll(filepath.Join(s.Run.Models, gpt2), 0o755))
	_, err := boot.Start(t.Context(), s)
	require.ErrorContains(t, err, "start vllm: the server exited with code 1 after ")
	require.ErrorContains(t, err, "before it was ready: ValueError: Couldn't instantiate the backend tokenizer")
}
