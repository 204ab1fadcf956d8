package openai_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
)

// TestInfinitysRecordedAnswers: it writes embeddings with more digits than a
// float32 has, and answers for a model that it does not serve.
func TestInfinitysRecordedAnswers(t *testing.T) {
	for name, c := range map[string]struct{ code, texts int }{
		"embeddings.http": {200, 2}, "unknown-model.http": {200, 1}, "wrong-input.http": {422, 0},
	} {
		raw, err := os.ReadFile("../../../testdata/captures/infinity/" + name)
		require.NoError(t, err)
		script, err := fake.Capture(raw)
		require.NoError(t, err)
		f, err := fake.HTTP(script)
		require.NoError(t, err)
		r, err := openai.Encode("all-minilm-l6-v2", []string{"x"})
		require.NoError(t, err)
		reply := http1.Fetch(t.Context(), f.Addr(), r)
		require.NoError(t, f.Close())
		require.Equal(t, c.code, reply.Code, name)
		if c.code != 200 {
			require.Equal(t, record.Status, reply.Outcome, name)
			continue
		}
		got, err := openai.Decode(record.Answer{Head: reply.Head, Body: reply.Body}, c.texts, 384)
		require.NoError(t, err, name)
		require.Len(t, got.Vectors, c.texts)
	}
}
