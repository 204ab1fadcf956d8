package tei_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/tei"
	"stackbench/internal/wire/tei/teipb"
)

// ask sends texts to a server that answers as a real one was recorded.
func ask(t *testing.T, name string, texts ...string) record.Reply {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../../testdata/captures/tei", name))
	require.NoError(t, err)
	script, err := fake.Capture(raw)
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r, err := tei.EncodeREST(texts)
	require.NoError(t, err)
	return http1.Fetch(t.Context(), f.Addr(), r)
}

func TestRecordedAnswer(t *testing.T) {
	// The record keeps the first three values of each embedding.
	reply := ask(t, "embed.http", "The cat sits outside.", "A man is playing guitar.")
	require.Equal(t, record.Good, reply.Outcome)
	vectors, err := tei.DecodeREST(record.Answer{Head: reply.Head, Body: reply.Body}, 2, 3)
	require.NoError(t, err)
	require.Equal(t, [][]float32{{0.13889714, 0.000058948084, 0.04258318}, {0.024228683, -0.0006649345, -0.0076911375}}, vectors)
	_, err = tei.DecodeREST(record.Answer{Body: reply.Body}, 3, 3)
	require.EqualError(t, err, "decode tei answer: 2 embeddings for 3 texts")
	_, err = tei.DecodeREST(record.Answer{Body: reply.Body}, 2, 384)
	require.EqualError(t, err, "decode tei answer: embedding 0 has 3 values, want 384")
	_, err = tei.DecodeREST(record.Answer{Body: []byte(`{"error":"no"}`)}, 2, 384)
	require.ErrorContains(t, err, `not the contract's JSON (it begins with "{\"error\":\"no\"}")`)
}

// Null is how JSON writers put a value that is no number: it is no zero.
func TestNullIsNoValue(t *testing.T) {
	for body, want := range map[string]string{
		`[[0.5,null,0.7,0.001]]`:  "embedding 0: value 1 is null",
		`[[null,null,null,null]]`: "embedding 0: value 0 is null",
		`[[0.5,0.5,0.7,null]]`:    "embedding 0: value 3 is null",
		`[null]`:                  "embedding 0 has 0 values, want 4",
	} {
		_, err := tei.DecodeREST(record.Answer{Body: []byte(body)}, 1, 4)
		require.EqualError(t, err, "decode tei answer: "+want)
	}
}

func TestRecordedErrors(t *testing.T) {
	for name, code := range map[string]int{"overloaded.http": 429, "too-long.http": 422, "batch-too-large.http": 422, "empty.http": 400} {
		reply := ask(t, name, "x")
		require.Equal(t, record.Status, reply.Outcome, name)
		require.Equal(t, code, reply.Code, name)
	}
}

func TestRequestsAskForTheSameOverBoth(t *testing.T) {
	r, err := tei.EncodeREST([]string{"a \"b\""})
	require.NoError(t, err)
	require.JSONEq(t, `{"inputs":["a \"b\""],"truncate":true,"normalize":true}`, string(r.Body))
	_, err = tei.EncodeREST(nil)
	require.EqualError(t, err, "encode tei request: no texts")
	b, err := tei.EncodeGRPC("a")
	require.NoError(t, err)
	var m teipb.EmbedRequest
	require.NoError(t, proto.Unmarshal(b, &m))
	require.Equal(t, "a true true", fmt.Sprint(m.GetInputs(), " ", m.GetTruncate(), " ", m.GetNormalize()))
}

func TestDecodeGRPC(t *testing.T) {
	b, err := proto.Marshal(&teipb.EmbedResponse{Embeddings: []float32{1, 2}, Metadata: &teipb.Metadata{ComputeTokens: 7}})
	require.NoError(t, err)
	got, err := tei.DecodeGRPC(record.Answer{Body: b}, 1, 2)
	require.NoError(t, err)
	require.Equal(t, [][]float32{{1, 2}}, got)
	_, err = tei.DecodeGRPC(record.Answer{Body: []byte(strings.Repeat("\xff", 9))}, 1, 2)
	require.ErrorContains(t, err, "not an EmbedResponse")
	_, err = tei.DecodeGRPC(record.Answer{}, 1, 2)
	require.EqualError(t, err, "decode tei answer: embedding 0 has 0 values, want 2")
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`[[1,2,3]]`))
	f.Add([]byte{0x0a, 0x04, 0, 0, 0x80, 0x3f})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(record.Answer, int, int) ([][]float32, error){tei.DecodeREST, tei.DecodeGRPC} {
			if got, err := read(record.Answer{Body: b}, 1, 3); err == nil {
				require.Len(t, got[0], 3)
			}
		}
	})
}

// call sends a text over gRPC to a server that answers as is said.
func call(t *testing.T, calls fake.Calls) record.Reply {
	t.Helper()
	g, err := fake.GRPC(calls)
	require.NoError(t, err)
	defer func() { require.NoError(t, g.Close()) }()
	b, err := tei.EncodeGRPC("The cat sits outside.")
	require.NoError(t, err)
	target, err := grpcraw.NewTarget(g.Addr(), tei.Method, [][]byte{b})
	require.NoError(t, err)
	defer func() { require.NoError(t, target.Close()) }()
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	r := c.Do(t.Context(), 0)
	r.Body = slices.Clone(r.Body)
	return r
}

// TestRecordedOverGRPC has the first three values and the times of the recorded answer.
func TestRecordedOverGRPC(t *testing.T) {
	message, err := proto.Marshal(&teipb.EmbedResponse{
		Embeddings: []float32{0.13884172, 0.00012645888, 0.04263418},
		Metadata: &teipb.Metadata{
			ComputeChars: 21, ComputeTokens: 7, TotalTimeNs: 4355855, TokenizationTimeNs: 333275, QueueTimeNs: 416179, InferenceTimeNs: 3470657,
		},
	})
	require.NoError(t, err)
	r := call(t, fake.Calls{Message: message})
	require.Equal(t, record.Good, r.Outcome)
	got, err := tei.DecodeGRPC(record.Answer{Body: r.Body}, 1, 3)
	require.NoError(t, err)
	require.Equal(t, [][]float32{{0.13884172, 0.00012645888, 0.04263418}}, got)
}

func TestRecordedErrorsOverGRPC(t *testing.T) {
	for code, words := range map[codes.Code]string{
		codes.InvalidArgument:   "Input validation error: `inputs` must have less than 256 tokens. Given: 602",
		codes.ResourceExhausted: "Model is overloaded",
	} {
		r := call(t, fake.Calls{Code: code, Error: words})
		require.Equal(t, record.Status, r.Outcome)
		require.Equal(t, int(code), r.Code)
		require.ErrorContains(t, r.Err, words)
	}
}
