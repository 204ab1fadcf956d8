package predict

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

const good = `{"model":"resnet50","top":[{"index":281,"logit":12.5},{"index":282,"logit":11},{"index":0,"logit":3},{"index":7,"logit":3},{"index":9,"logit":-1}]}`

func TestEncode(t *testing.T) {
	jpeg := []byte{0xff, 0xd8, 0xff, 0xd9}
	r, err := Encode(jpeg)
	require.NoError(t, err)
	require.Equal(t, http1.Request{Method: "POST", Path: "/predict", Header: []http1.Field{{Name: "Content-Type", Value: "image/jpeg"}}, Body: jpeg}, r)
	_, err = Encode([]byte("PNG"))
	require.ErrorContains(t, err, "not a JPEG")
}

func TestDecode(t *testing.T) {
	p, err := Decode(record.Answer{Body: []byte(good)})
	require.NoError(t, err)
	require.Equal(t, Prediction{"resnet50", []Class{{281, 12.5}, {282, 11}, {0, 3}, {7, 3}, {9, -1}}}, p)
}

func TestDecodeRefusesNonsense(t *testing.T) {
	entry := `{"index":1,"logit":2}`
	for body, want := range map[string]string{
		"":                         "not the contract's JSON",
		"<html>":                   `begins with "<html>"`,
		"{}":                       "0 classes, not 5",
		`[1]`:                      "not the contract's JSON",
		`{"error":"x"}`:            `0 classes, not 5, in "{\"error\"`,
		`{"top":[` + entry + `]}`:  "1 classes, not 5",
		`{"top":[1,2,3,4,5]}`:      "not the contract's JSON",
		`{"top":[{},{},{},{},{}]}`: "class 0 lacks",
		`{"top":[{"index":-1,"logit":1},{},{},{},{}]}`:           "class 0 lacks",
		`{"top":[` + entry + `,` + entry + `,{},{},{}]}`:         "class 1 lacks",
		`{"top":[` + entry + `,{"index":2,"logit":3},{},{},{}]}`: "better than the one before",
	} {
		_, err := Decode(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want, body)
	}
}

func TestOverTheWire(t *testing.T) {
	h, err := fake.HTTP(fake.Script{Body: []byte(good), Framing: fake.Chunked})
	require.NoError(t, err)
	defer h.Close()
	q, err := Encode([]byte{0xff, 0xd8, 0xff, 0xd9})
	require.NoError(t, err)
	r := http1.Fetch(t.Context(), h.Addr(), q)
	require.NoError(t, r.Err)
	p, err := Decode(record.Answer{Head: r.Head, Body: r.Body})
	require.NoError(t, err)
	require.Equal(t, 281, p.Top[0].Index)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"model":1}`))
	f.Add([]byte(`{"top":[{"index":1e99,"logit":"x"},null,null,null,null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(record.Answer{Body: b})
		if err == nil {
			require.Len(t, p.Top, Top)
		}
	})
}
