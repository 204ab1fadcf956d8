// Package tiny makes model stores for tests: an image model, a text model and a
// decoder of a few weights, real enough for ONNX Runtime, small enough to check by hand.
package tiny

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names of the models, and the sizes that tests need.
const (
	Image   = "tiny-image"
	Text    = "tiny-text"
	Decoder = "tiny-decoder"
	Side    = 8 // of the image
	Classes = 7
	Dim     = 4  // of an embedding
	Longest = 16 // tokens
)

// weights are n values that differ from each other.
func weights(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.Sin(float64(3 * i)))
	}
	return out
}

// Vocabulary is the text model's words, in the order of their ids.
func Vocabulary() []string {
	return []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "man", "plays", "the", "guitar", "rain"}
}

// Store writes the models into a new folder and returns it.
func Store(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	writeImage(t, filepath.Join(dir, Image))
	writeText(t, filepath.Join(dir, Text))
	writeDecoder(t, filepath.Join(dir, Decoder))
	return dir
}

func writeImage(t testing.TB, dir string) {
	w := newFile(t, dir)
	initialisers := []message{w.add("fc.weight", []int64{Classes, 3}), w.add("fc.bias", []int64{Classes})}
	shape := []int64{-1, 3, Side, Side}
	nodes := []message{
		node("GlobalAveragePool", []string{"pixel_values"}, "pooled"),
		node("Flatten", []string{"pooled"}, "flat"),
		node("Gemm", []string{"flat", "fc.weight", "fc.bias"}, "logits", attribute{"transB", 1}),
	}
	w.write(nodes, initialisers, []message{port("pixel_values", float, shape)}, []message{port("logits", float, []int64{-1, Classes})},
		`{"name":"tiny-image","task":"image-classification","weights":{"source":"seeded","sha256":"00"},
		"graphs":[{"name":"model","file":"model.onnx","precision":"fp32",
			"inputs":[{"name":"pixel_values","datatype":"FP32","shape":[-1,3,8,8]}],
			"outputs":[{"name":"logits","datatype":"FP32","shape":[-1,7]}]}],
		"image":{"crop":0.875,"size":8,"filter":"bilinear","mean":[127,127,127],"std":[128,128,128]}}`)
}

func writeText(t testing.TB, dir string) {
	w := newFile(t, dir)
	initialisers := []message{w.add("embeddings", []int64{int64(len(Vocabulary())), Dim}), axis("last", 2), axis("middle", 1)}
	nodes := []message{
		node("Gather", []string{"embeddings", "input_ids"}, "words"),
		node("Cast", []string{"attention_mask"}, "mask", attribute{"to", float}),
		node("Unsqueeze", []string{"mask", "last"}, "column"),
		node("Mul", []string{"words", "column"}, "masked"),
		node("ReduceSum", []string{"masked", "middle"}, "sum", attribute{"keepdims", 0}),
		node("LpNormalization", []string{"sum"}, "sentence_embedding", attribute{"axis", 1}, attribute{"p", 2}),
	}
	matrix := []int64{-1, -1}
	w.write(nodes, initialisers, []message{port("input_ids", int64s, matrix), port("attention_mask", int64s, matrix)},
		[]message{port("sentence_embedding", float, []int64{-1, Dim})},
		`{"name":"tiny-text","task":"embeddings","weights":{"source":"seeded","sha256":"11"},
		"graphs":[{"name":"model","file":"model.onnx","precision":"fp32",
			"inputs":[{"name":"input_ids","datatype":"INT64","shape":[-1,-1]},{"name":"attention_mask","datatype":"INT64","shape":[-1,-1]}],
			"outputs":[{"name":"sentence_embedding","datatype":"FP32","shape":[-1,4]}]}],
		"text":{"max_tokens":16,"pad_id":0,"lowercase":true}}`)
	w.writeTokenizer()
}

// file is a model's folder under construction. Weights come first, since the
// graph needs their offsets; the header's length is fixed by padding it.
type file struct {
	t      testing.TB
	dir    string
	header map[string]entry
	data   []byte
}

type entry struct {
	Type    string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets [2]int  `json:"data_offsets"`
}

// headerLength is odd on purpose: real stores have unaligned offsets too.
const headerLength = 403

func newFile(t testing.TB, dir string) *file {
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return &file{t: t, dir: dir, header: map[string]entry{}}
}

func (f *file) add(name string, shape []int64) message {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	start := len(f.data)
	for _, v := range weights(n) {
		f.data = binary.LittleEndian.AppendUint32(f.data, math.Float32bits(v))
	}
	f.header[name] = entry{"F32", shape, [2]int{start, len(f.data)}}
	return external(name, shape, 8+headerLength+start, len(f.data)-start)
}

// write saves a model of one graph.
func (f *file) write(nodes, initialisers, inputs, outputs []message, description string) {
	f.writeWeights()
	f.save("model.onnx", model(nodes, initialisers, inputs, outputs))
	f.save("model.json", []byte(description))
}

func (f *file) writeWeights() {
	header, err := json.Marshal(f.header)
	require.NoError(f.t, err)
	for len(header) < headerLength {
		header = append(header, ' ')
	}
	weights := binary.LittleEndian.AppendUint64(nil, headerLength)
	weights = append(append(weights, header...), f.data...)
	f.save("model.safetensors", weights)
}

func (f *file) save(name string, content []byte) {
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, name), content, 0o644))
}

func (f *file) writeTokenizer() {
	vocabulary := map[string]int{}
	for i, w := range Vocabulary() {
		vocabulary[w] = i
	}
	words, err := json.Marshal(vocabulary)
	require.NoError(f.t, err)
	f.save("tokenizer.json", []byte(`{"version":"1.0",
	"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
	"pre_tokenizer":{"type":"BertPreTokenizer"},
	"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],
	"pair":[],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
	"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":`+string(words)+`}}`))
}
