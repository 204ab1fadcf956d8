package fastapi_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/model"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/wsgen"
	"stackbench/stacks/fastapi"
	"stackbench/stacks/torchbase"
)

const smollm = "smollm2-135m-q4_1-dequant"

// TestTheRealServersGenerate sends a prompt in every way that they take one,
// and wants one text from all: decoding is greedy, and the weights are the same.
func TestTheRealServersGenerate(t *testing.T) {
	prompt := generation.Prompt{Model: smollm, Text: "The capital of France is", Tokens: 24, Exact: true}
	var said []string
	for _, s := range []stack.Stack{fastapi.ONNXRuntime(), fastapi.Queue(), fastapi.PyTorch(torchbase.Image())} {
		t.Run(s.Name, func(t *testing.T) {
			at, source := up(t, s, prompt)
			whole := heard(t, prompt, at, openai.Whole)
			require.Equal(t, generation.Text{Text: whole.Text, Tokens: 24, Prompt: 5, Finish: "length"}, whole)
			require.Contains(t, whole.Text, "Paris")
			for _, d := range []openai.Delivery{openai.Stream, openai.Counted} {
				got := heard(t, prompt, at, d)
				require.Equal(t, 24, got.Chunks)
				got.Chunks = 0
				require.Equal(t, whole, got)
			}
			got := talked(t, prompt, at)
			require.Equal(t, 24, got.Chunks)
			got.Chunks = 0
			require.Equal(t, whole, got)

			before, err := source.Read(t.Context())
			require.NoError(t, err)
			require.InDelta(t, 5*24, before.Batches.Items, 0, "a token is an item: of these four answers, and of the one that said ready")
			together(t, prompt, at, 4, whole.Text)
			after, err := source.Read(t.Context())
			require.NoError(t, err)
			work, err := after.Since(before)
			require.NoError(t, err)
			require.InDelta(t, 4*24, work.Batches.Items, 0)
			if s.Batcher == stack.NoBatcher {
				require.InDelta(t, 4*24, work.Batches.Runs, 0)
			} else {
				require.InDelta(t, 24, work.Batches.Runs, 0, "four that came together are one static batch")
			}
			said = append(said, whole.Text)
		})
	}
	for _, text := range said {
		require.Equal(t, said[0], text)
	}
}

// up starts the stack with the model of the user's own store: to make it is the
// work of `stackbench setup`. Without it, or without Docker, the test is skipped.
func up(t *testing.T, s stack.Stack, p generation.Prompt) (stack.Endpoint, telemetry.Source) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the image and starts the real server")
	}
	cache, err := boot.DefaultCache()
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(cache, "models", p.Model)); err != nil {
		t.Skipf("%v: prepare it with `go tool stackbench setup`", err)
	}
	m, err := model.Open(cache).Prepare(t.Context(), p.Model, model.Auto, nil) // an earlier store is brought up to date
	require.NoError(t, err)
	spec := boot.Spec{
		Stack: s, Launcher: boot.Container, Cache: t.TempDir(),
		Run: stack.Run{
			Models: filepath.Dir(m.Dir), Model: m.Model, Device: stack.CPU, Threads: 2,
			Batch: stack.Batching{Max: 4, Delay: 300 * time.Millisecond},
		},
		Ready: func(ctx context.Context, at stack.Endpoint) error {
			q, err := openai.EncodeCompletion(p, openai.Whole)
			require.NoError(t, err)
			return http1.Fetch(ctx, at.REST, q).Err
		},
	}
	var not *boot.Unavailable
	if _, err := boot.Resolve(t.Context(), spec); errors.As(err, &not) {
		t.Skip(not.Reason)
	}
	server, err := boot.Start(t.Context(), spec)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	return server.Endpoint, telemetry.Source{Kind: s.Telemetry, At: server.Endpoint, Model: m.Name}
}

// heard is what the server answers over HTTP, by the client that measures.
func heard(t *testing.T, p generation.Prompt, at stack.Endpoint, d openai.Delivery) generation.Text {
	t.Helper()
	q, err := openai.EncodeCompletion(p, d)
	require.NoError(t, err)
	hearing, decode := openai.CompletionEvents(), openai.DecodeStream
	if d == openai.Whole {
		hearing, decode = openai.WholeEvents(), openai.DecodeText
	}
	target, err := http1.NewStreamingTarget(at.REST, []http1.Request{q}, hearing)
	require.NoError(t, err)
	conn, err := target.Dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	return text(t, conn.Do(t.Context(), 0), p, decode)
}

// talked is what it answers over WebSocket, on a connection that had answered.
func talked(t *testing.T, p generation.Prompt, at stack.Endpoint) generation.Text {
	t.Helper()
	q, err := wsgen.Encode(p)
	require.NoError(t, err)
	wrong := p
	wrong.Model = "nope"
	w, err := wsgen.Encode(wrong)
	require.NoError(t, err)
	target, err := wsgen.NewTarget(at.REST, [][]byte{w, q})
	require.NoError(t, err)
	conn, err := target.Dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	refused := conn.Do(t.Context(), 0)
	require.Equal(t, "status 404", record.Record{Outcome: refused.Outcome, Code: refused.Code}.Kind())
	return text(t, conn.Do(t.Context(), 1), p, wsgen.Decode)
}

// text reads a reply, and wants the tally of its stream to count as it does.
func text(t *testing.T, r record.Reply, p generation.Prompt, decode func(record.Answer) (generation.Text, error)) generation.Text {
	t.Helper()
	require.NoError(t, r.Err)
	require.Equal(t, p.Tokens, r.Output.Tokens)
	got, err := decode(record.Answer{Head: r.Head, Body: r.Body})
	require.NoError(t, err)
	require.Len(t, r.Output.Chunks, got.Chunks)
	return got
}

// together sends n requests at once; each must be answered as one alone was.
func together(t *testing.T, p generation.Prompt, at stack.Endpoint, n int, want string) {
	t.Helper()
	got := make([]string, n)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			q, err := openai.EncodeCompletion(p, openai.Whole)
			if err != nil {
				return
			}
			r := http1.Fetch(t.Context(), at.REST, q)
			if answer, err := openai.DecodeText(record.Answer{Head: r.Head, Body: r.Body}); err == nil {
				got[i] = answer.Text
			}
		})
	}
	all.Wait()
	for _, text := range got {
		require.Equal(t, want, text)
	}
}
