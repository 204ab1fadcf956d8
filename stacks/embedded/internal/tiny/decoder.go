package tiny

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// DecoderSpec is the decoder's size.
func DecoderSpec() stack.DecoderSpec {
	return stack.DecoderSpec{Layers: 2, Heads: 1, KVHeads: 1, HeadDim: Dim, Vocab: len(Tokens()), Context: 48, EOS: 0}
}

// Tokens is the decoder's vocabulary, in the order of its ids: the token that
// ends a text, letters, a blank, the two bytes of é, and two merges.
func Tokens() []string {
	return []string{"<|end|>", "a", "b", "c", "d", "!", "Ġ", "Ã", "©", "ab", "Ġc"}
}

// writeDecoder writes a graph that has no attention, but keys and values: each
// layer adds up key² × value of all tokens so far, so that a key, a value, a
// position, a layer or a masked token in the wrong place is another answer.
func writeDecoder(t testing.TB, dir string) {
	w, d := newFile(t, dir), DecoderSpec()
	initialisers := []message{
		w.add("embeddings", []int64{int64(d.Vocab), Dim}), w.add("positions", []int64{int64(d.Context), Dim}), w.add("scale", []int64{Dim}),
		axis("first", 1), axis("second", 2), axis("third", 3), axis("last", -1),
	}
	nodes := []message{
		node("Gather", []string{"embeddings", "input_ids"}, "words"),
		node("Gather", []string{"positions", "position_ids"}, "places"),
		node("Add", []string{"words", "places"}, "x"),
		node("Unsqueeze", []string{"x", "first"}, "fresh"),
		node("Cast", []string{"attention_mask"}, "mask", attribute{"to", float}),
		node("Unsqueeze", []string{"mask", "first"}, "row"),
		node("Unsqueeze", []string{"row", "third"}, "column"),
	}
	matrix, cache := []int64{-1, -1}, []int64{-1, int64(d.KVHeads), -1, Dim}
	inputs := []message{port("input_ids", int64s, matrix), port("attention_mask", int64s, matrix), port("position_ids", int64s, matrix)}
	outputs := []message{port("logits", float, []int64{-1, int64(d.Vocab)})}
	for i, op := range []string{"Mul", "Sub"} {
		name := func(s string) string { return fmt.Sprintf(s, i) }
		nodes = append(nodes,
			node(op, []string{"fresh", "scale"}, name("value.%d")),
			node("Concat", []string{name("past_key_values.%d.key"), "fresh"}, name("present.%d.key"), attribute{"axis", 2}),
			node("Concat", []string{name("past_key_values.%d.value"), name("value.%d")}, name("present.%d.value"), attribute{"axis", 2}),
			node("Mul", []string{name("present.%d.key"), name("present.%d.key")}, name("square.%d")),
			node("Mul", []string{name("square.%d"), name("present.%d.value")}, name("product.%d")),
			node("Mul", []string{name("product.%d"), "column"}, name("masked.%d")),
			node("ReduceSum", []string{name("masked.%d"), "second"}, name("sum.%d"), attribute{"keepdims", 0}),
		)
		for _, half := range []string{"key", "value"} {
			inputs = append(inputs, port(name("past_key_values.%d.")+half, float, cache))
			outputs = append(outputs, port(name("present.%d.")+half, float, cache))
		}
	}
	nodes = append(nodes,
		node("Add", []string{"sum.0", "sum.1"}, "sum"),
		node("Sin", []string{"sum"}, "wave"),
		node("Flatten", []string{"wave"}, "past"),
		node("Gather", []string{"x", "last"}, "end", attribute{"axis", 1}),
		node("Flatten", []string{"end"}, "now"),
		node("Add", []string{"past", "now"}, "both"),
		node("Gemm", []string{"both", "embeddings"}, "logits", attribute{"transB", 1}),
	)
	w.write(nodes, initialisers, inputs, outputs, `{"name":"tiny-decoder","task":"text-generation","weights":{"source":"seeded","sha256":"22"},
		"graphs":[{"name":"model","file":"model.onnx","precision":"fp32",
			"inputs":[{"name":"input_ids","datatype":"INT64","shape":[-1,-1]},{"name":"attention_mask","datatype":"INT64","shape":[-1,-1]},{"name":"position_ids","datatype":"INT64","shape":[-1,-1]}],
			"outputs":[{"name":"logits","datatype":"FP32","shape":[-1,11]}]}],
		"text":{"max_tokens":48,"pad_id":0},
		"decoder":{"layers":2,"heads":1,"kv_heads":1,"head_dim":4,"vocab":11,"context":48,"eos":0}}`)
	vocabulary := map[string]int{}
	for i, token := range Tokens() {
		vocabulary[token] = i
	}
	words, err := json.Marshal(vocabulary)
	require.NoError(t, err)
	w.save("tokenizer.json", []byte(`{"added_tokens":[{"id":0,"content":"<|end|>","special":true}],
	"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"post_processor":{"type":"ByteLevel"},
	"model":{"type":"BPE","vocab":`+string(words)+`,"merges":["a b","Ġ c"]}}`))
}

// Sequence computes in Go what the decoder's graph computes, without a cache.
type Sequence struct {
	ids    []int64
	Closed bool
}

// Next appends tokens and returns the logits [vocab] of the one that follows.
func (s *Sequence) Next(ids []int64) ([]float32, error) {
	d := DecoderSpec()
	s.ids = append(s.ids, ids...)
	if len(s.ids) > d.Context {
		return nil, errors.New("indices element out of data bounds")
	}
	table, scale := weights(max(d.Vocab, d.Context)*Dim), weights(Dim)
	out := make([]float32, d.Vocab)
	for k := range Dim {
		sum, x := 0.0, 0.0
		for place, id := range s.ids {
			x = float64(table[int(id)*Dim+k]) + float64(table[place*Dim+k])
			sum += x * x * (x*float64(scale[k]) + x - float64(scale[k]))
		}
		for token := range out {
			out[token] += float32((math.Sin(sum) + x) * float64(table[token*Dim+k]))
		}
	}
	return out, nil
}

// Close notes that it was called.
func (s *Sequence) Close() { s.Closed = true }

// Greedy are the likeliest tokens after a prompt's, without the end of a text
// where it is not wanted.
func Greedy(t testing.TB, prompt []int64, count int, end bool) []int64 {
	t.Helper()
	ids := slices.Clone(prompt)
	for range count {
		logits, err := (&Sequence{}).Next(ids)
		require.NoError(t, err)
		if !end {
			logits[0] = float32(math.Inf(-1))
		}
		ids = append(ids, int64(slices.Index(logits, slices.Max(logits))))
	}
	return ids[len(prompt):]
}
