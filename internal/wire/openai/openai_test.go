package openai

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

const floats = `{"object":"list","data":[{"object":"embedding","index":1,"embedding":[3,-4.5]},{"object":"embedding","index":0,"embedding":[1,2]}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}`

func TestEncode(t *testing.T) {
	r, err := Encode("m", []string{"one \"text\"", "zwei"})
	require.NoError(t, err)
	require.Equal(t, "POST", r.Method)
	require.Equal(t, "/v1/embeddings", r.Path)
	require.JSONEq(t, `{"model":"m","input":["one \"text\"","zwei"],"encoding_format":"float"}`, string(r.Body))
	_, err = Encode("m", nil)
	require.ErrorContains(t, err, "needs a model and a text")
}

func TestDecode(t *testing.T) {
	want := Embeddings{Model: "m", Vectors: [][]float32{{1, 2}, {3, -4.5}}, PromptTokens: 7, TotalTokens: 7}
	for _, dim := range []int{0, 2} {
		e, err := Decode(record.Answer{Body: []byte(floats)}, 2, dim)
		require.NoError(t, err)
		require.Equal(t, want, e)
	}
}

// Null is how JSON writers put a value that is no number: it is no zero.
func TestNullIsNoValue(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"[0.5,null,0.7,0.001]", "value 1 is null"}, {"[null,null]", "value 0 is null"}, {"null", "0 values, not 0"},
	} {
		_, err := Decode(record.Answer{Body: []byte(`{"data":[{"index":0,"embedding":` + c.values + `}],"usage":{}}`)}, 1, 0)
		require.ErrorContains(t, err, c.want)
	}
	e, err := Decode(record.Answer{Body: []byte(`{"data":[{"index":0,"embedding":[0.5,0.25]}],"usage":null}`)}, 1, 0)
	require.NoError(t, err)
	require.Equal(t, [][]float32{{0.5, 0.25}}, e.Vectors)
}

func TestDecodeRefusesNonsense(t *testing.T) {
	for body, want := range map[string]string{
		"":                                       "not the contract's JSON",
		"<html>":                                 `begins with "<html>"`,
		`{}`:                                     "0 embeddings for 1 texts",
		`{"error":{"message":"x"}}`:              "0 embeddings for 1 texts in",
		`{"data":[{"embedding":[1]}]}`:           "no index of its own",
		`{"data":[{"index":1,"embedding":[1]}]}`: "no index of its own from 0 to 0",
		`{"data":[{"index":0,"embedding":[1,2,3]}]}`:                                            "3 values, not 2",
		`{"data":[{"index":0}]}`:                                                                "0 values, not 2",
		`{"data":[{"index":0,"embedding":"AAAA"}]}`:                                             "not the contract's JSON",
		`{"data":[{"index":0,"embedding":[1,1e99]}]}`:                                           "not the contract's JSON",
		`{"data":[],"usage":{"prompt_tokens":-1}}`:                                              "0 embeddings",
		`{"data":[{"index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":9,"total_tokens":1}}`: "usage counts 9 of 1",
	} {
		_, err := Decode(record.Answer{Body: []byte(body)}, 1, 2)
		require.ErrorContains(t, err, want, body)
	}
	_, err := Decode(record.Answer{Body: []byte(`{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`)}, 2, 0)
	require.ErrorContains(t, err, "entry 1 has no index of its own")
	_, err = Decode(record.Answer{Body: []byte(`{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}`)}, 2, 0)
	require.ErrorContains(t, err, "2 values, not 1")
}

func TestOverTheWire(t *testing.T) {
	h, err := fake.HTTP(fake.Script{Body: []byte(floats)})
	require.NoError(t, err)
	defer h.Close()
	q, err := Encode("m", []string{"a", "b"})
	require.NoError(t, err)
	r := http1.Fetch(t.Context(), h.Addr(), q)
	require.NoError(t, r.Err)
	_, err = Decode(record.Answer{Head: r.Head, Body: r.Body}, 2, 2)
	require.NoError(t, err)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(floats), 2, 2)
	f.Add([]byte(`{"data":[{"index":0,"embedding":"AACAPwAAAEA="}]}`), 1, 0)
	f.Add([]byte(`{"data":[null]}`), 1, 0)
	f.Fuzz(func(t *testing.T, b []byte, count, dim int) {
		e, err := Decode(record.Answer{Body: b}, count, dim)
		if err != nil {
			return
		}
		require.Len(t, e.Vectors, count)
		for _, v := range e.Vectors {
			for _, x := range v {
				require.False(t, math.IsNaN(float64(x)))
			}
		}
	})
}

// What is encoded must be what an OpenAI server reads, any text included.
func FuzzEncode(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\"\\  é")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Encode("m", []string{text})
		require.NoError(t, err)
		require.True(t, json.Valid(r.Body))
	})
}
