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

// recorded is what a real Triton sent.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../../testdata/captures/triton/" + name)
	require.NoError(t, err)
	return raw
}

// answer is what the client makes of a recorded reply of a real Triton.
func answer(t *testing.T, name string) record.Reply {
	t.Helper()
	script, err := fake.Capture(recorded(t, name))
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	return http1.Fetch(t.Context(), f.Addr(), http1.Request{Method: "GET", Path: "/"})
}

// decode reads a recorded reply: of gRPC when its name says so.
func decode(t *testing.T, name string) ([]oip.Tensor, error) {
	t.Helper()
	if name[len(name)-3:] == ".pb" {
		return oip.DecodeGRPC(record.Answer{Body: recorded(t, name)})
	}
	reply := answer(t, name)
	require.Equal(t, record.Good, reply.Outcome)
	return oip.DecodeREST(record.Answer{Head: reply.Head, Body: reply.Body})
}

func TestTritonsRecordedAnswers(t *testing.T) {
	for _, c := range []struct {
		output string
		width  int64
		forms  []string // that say the same
	}{
		{"sentence_embedding", 384, []string{"infer.http", "infer-binary.http"}},
		{"logits", 1000, []string{"jpeg-binary.http", "jpeg.pb"}},
	} {
		var first []float32
		for _, name := range c.forms {
			tensors, err := decode(t, name)
			require.NoError(t, err)
			require.Len(t, tensors, 1)
			require.Equal(t, c.output, tensors[0].Name)
			require.Equal(t, []int64{1, c.width}, tensors[0].Shape)
			values, err := tensors[0].Float32s()
			require.NoError(t, err)
			require.Len(t, values, int(c.width))
			if first == nil {
				first = values
			}
			require.InDeltaSlice(t, first, values, 1e-6, name)
		}
	}
}

// TestTritonWithNumpy2: it is READY, and answers with nothing. The cause is in
// the error.
func TestTritonWithNumpy2(t *testing.T) {
	for _, name := range []string{"empty.http", "empty.pb"} {
		_, err := decode(t, name)
		require.EqualError(t, err, `decode oip answer: tensor "sentence_embedding" is empty (shape [1 384], 0 bytes): a Triton Python backend with numpy 2 answers so, it needs numpy<2`, name)
	}
}

func TestTritonsRecordedErrors(t *testing.T) {
	for name, c := range map[string]struct {
		code  int
		words string
	}{
		"unknown-model.http": {404, "unknown model"},
		"wrong-shape.http":   {400, "shape"},
		"not-ready.http":     {400, "Model version not ready"},
		"not-a-jpeg.http":    {400, "the image is not a readable JPEG"},
		"dead-stub.http":     {500, "Stub process 'all-minilm-l6-v2_preprocess_0_0' is not healthy."},
	} {
		reply := answer(t, name)
		require.Equal(t, record.Status, reply.Outcome, name)
		require.Equal(t, c.code, reply.Code, name)
		require.ErrorContains(t, reply.Err, c.words, name)
	}
}
