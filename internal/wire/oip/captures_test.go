package oip_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
)

// answer is what the client makes of a recorded reply of a real Triton.
func answer(t *testing.T, name string) record.Reply {
	t.Helper()
	raw, err := os.ReadFile("../../../testdata/captures/triton/" + name)
	require.NoError(t, err)
	script, err := fake.Capture(raw)
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	return http1.Fetch(t.Context(), f.Addr(), http1.Request{Method: "GET", Path: "/"})
}

func TestTritonsRecordedAnswers(t *testing.T) {
	var first []float32
	for _, name := range []string{"infer.http", "infer-binary.http"} {
		reply := answer(t, name)
		require.Equal(t, record.Good, reply.Outcome)
		tensors, err := oip.DecodeREST(record.Answer{Head: reply.Head, Body: reply.Body})
		require.NoError(t, err)
		require.Len(t, tensors, 1)
		require.Equal(t, "sentence_embedding", tensors[0].Name)
		require.Equal(t, []int64{1, 384}, tensors[0].Shape)
		values, err := tensors[0].Float32s()
		require.NoError(t, err)
		require.Len(t, values, 384)
		if first == nil {
			first = values
		}
		require.InDeltaSlice(t, first, values, 1e-6, "JSON and binary say the same")
	}
}

func TestTritonsRecordedErrors(t *testing.T) {
	for name, code := range map[string]int{"unknown-model.http": 404, "wrong-shape.http": 400, "not-ready.http": 400} {
		reply := answer(t, name)
		require.Equal(t, record.Status, reply.Outcome, name)
		require.Equal(t, code, reply.Code, name)
	}
}
