package triton_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/model"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/oip"
)

const gpt2 = "gpt2"

// generated sends a prompt over ModelStreamInfer. Its error is nil unless
// something else than the answer went wrong.
func generated(ctx context.Context, at stack.Endpoint, text string, tokens int) (record.Reply, error) {
	request, err := oip.EncodeGenerate(generation.Prompt{Model: gpt2, Text: text, Tokens: tokens, Exact: true})
	if err != nil {
		return record.Reply{}, err
	}
	target, err := oip.NewGenerateTarget(at.GRPC, [][]byte{request})
	if err != nil {
		return record.Reply{}, err
	}
	defer target.Close()
	c, err := target.Dial(ctx)
	if err != nil {
		return record.Reply{}, err
	}
	defer c.Close()
	r := c.Do(ctx, 0)
	r.Body = append([]byte(nil), r.Body...) // the connection's own, until it is closed
	return r, nil
}

// TestTheRealServerGenerates asks it for text: a message a token, several
// answers at once, and what it refuses.
func TestTheRealServerGenerates(t *testing.T) {
	cache := t.TempDir()
	s := real(t, filepath.Join(cache, "models"), stack.Model{Name: gpt2})
	m, err := model.Open(cache).Prepare(t.Context(), gpt2, model.Seeded, nil)
	require.NoError(t, err)
	s.Run.Model = m.Model
	up, err := boot.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, up.Stop(context.Background())) })
	at, source := up.Endpoint, telemetry.Source{Kind: stack.TritonStatistics, At: up.Endpoint, Model: gpt2, Texts: true}
	before, err := source.Read(t.Context())
	require.NoError(t, err)

	const tokens = 12
	first, err := generated(t.Context(), at, "The lighthouse keeper wrote", tokens)
	require.NoError(t, err)
	require.NoError(t, first.Err)
	text, err := oip.DecodeText(record.Answer{Body: first.Body})
	require.NoError(t, err)
	require.Equal(t, tokens, text.Tokens)
	require.Equal(t, "length", text.Finish)
	require.Positive(t, text.Prompt)
	require.NotEmpty(t, text.Text)
	require.Equal(t, tokens, first.Output.Tokens)
	require.Len(t, first.Output.Chunks, text.Chunks)

	const users = 10 // more than are generated at once
	var all sync.WaitGroup
	answers := make([]record.Reply, users)
	for i := range answers {
		all.Go(func() {
			a, err := generated(t.Context(), at, "The lighthouse keeper wrote", tokens)
			a.Err = errors.Join(a.Err, err)
			answers[i] = a
		})
	}
	all.Wait()
	for _, a := range answers {
		require.NoError(t, a.Err)
		again, err := oip.DecodeText(record.Answer{Body: a.Body})
		require.NoError(t, err)
		require.Equal(t, text, again, "greedy, each alone: the same text")
	}

	after, err := source.Read(t.Context())
	require.NoError(t, err)
	did, err := after.Since(before)
	require.NoError(t, err)
	require.Nil(t, did.Batches, "of a decoupled model Triton counts requests, not steps")
	require.Len(t, did.Stages, 1)
	require.Equal(t, telemetry.Queue, did.Stages[0].Name)
	require.Positive(t, did.Stages[0].Mean)

	tooLong, err := generated(t.Context(), at, "The lighthouse keeper wrote", 1024)
	require.NoError(t, err)
	require.Equal(t, record.Fault, tooLong.Outcome)
	require.ErrorContains(t, tooLong.Err, "are 1028; gpt2 has a context of 1024")
}
