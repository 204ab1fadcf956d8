package tiny

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/tensor"
)

// Models of several graphs.
const (
	Pair    = "tiny-pair"    // an encoder and a decoder
	Variant = "tiny-variant" // one part, int8 beside fp32
)

// Parts writes the models of several graphs into a new folder and returns it.
// Their descriptions are those that the model store's own tests hold it to.
func Parts(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, Pair))
	writeVariant(t, filepath.Join(dir, Variant))
	for _, name := range []string{Pair, Variant} {
		description, err := os.ReadFile("../../../../internal/model/testdata/" + name + ".json")
		require.NoError(t, err)
		f := &file{t: t, dir: filepath.Join(dir, name)}
		f.save("model.json", description)
		f.writeTokenizer()
	}
	return dir
}

func writePair(t testing.TB, dir string) {
	w, words := newFile(t, dir), int64(len(Vocabulary()))
	table, scale := w.add("words", []int64{words, Dim}), w.add("scale", []int64{Dim})
	head := w.add("head.weight", []int64{Dim, words})
	w.writeWeights()
	matrix, cube := []int64{-1, -1}, []int64{-1, -1, Dim}
	w.save("encoder.onnx", model([]message{
		node("Gather", []string{"words", "input_ids"}, "found"),
		node("Mul", []string{"found", "scale"}, "scaled"),
		node("Cast", []string{"attention_mask"}, "mask", attribute{"to", float}),
		node("Unsqueeze", []string{"mask", "last"}, "column"),
		node("Mul", []string{"scaled", "column"}, "hidden_states"),
	}, []message{table, scale, axis("last", 2)},
		[]message{port("input_ids", int64s, matrix), port("attention_mask", int64s, matrix)}, []message{port("hidden_states", float, cube)}))
	w.save("decoder.onnx", model([]message{
		node("Gather", []string{"words", "decoder_input_ids"}, "found"),
		node("ReduceSum", []string{"hidden_states", "middle"}, "sum", attribute{"keepdims", 1}),
		node("Add", []string{"found", "sum"}, "both"),
		node("MatMul", []string{"both", "head.weight"}, "logits"),
	}, []message{table, head, axis("middle", 1)},
		[]message{port("decoder_input_ids", int64s, matrix), port("hidden_states", float, cube)}, []message{port("logits", float, []int64{-1, -1, words})}))
}

// Logits computes in Go what the two graphs of Pair compute, one after the
// other, of texts without padding.
func Logits(ids, decoderIDs tensor.Tensor) tensor.Tensor {
	words := len(Vocabulary())
	table, scale, head := weights(words*Dim), weights(Dim), weights(Dim*words)
	read, written := int(ids.Shape[1]), int(decoderIDs.Shape[1])
	out := tensor.Tensor{Name: "logits", Type: tensor.FP32, Shape: []int64{ids.Shape[0], decoderIDs.Shape[1], int64(words)}}
	for row := range ids.Rows() {
		var sum [Dim]float64
		for _, id := range ids.I64[row*read:][:read] {
			for k := range Dim {
				sum[k] += float64(table[int(id)*Dim+k]) * float64(scale[k])
			}
		}
		for _, id := range decoderIDs.I64[row*written:][:written] {
			for word := range words {
				logit := 0.0
				for k := range Dim {
					logit += (float64(table[int(id)*Dim+k]) + sum[k]) * float64(head[k*words+word])
				}
				out.F32 = append(out.F32, float32(logit))
			}
		}
	}
	return out
}

// writeVariant writes the text model's graph twice: the second rounds the same
// weights to eight bits as it is loaded.
func writeVariant(t testing.TB, dir string) {
	w := newFile(t, dir)
	table := w.add("words", []int64{int64(len(Vocabulary())), Dim})
	w.writeWeights()
	rounding := node("DynamicQuantizeLinear", []string{"words"}, "rounded")
	rounding.text(2, "step") // its further outputs
	rounding.text(2, "zero")
	for file, before := range map[string][]message{
		"model.onnx":      {node("Identity", []string{"words"}, "table")},
		"model.int8.onnx": {rounding, node("DequantizeLinear", []string{"rounded", "step", "zero"}, "table")},
	} {
		nodes := append(before,
			node("Gather", []string{"table", "input_ids"}, "found"),
			node("Cast", []string{"attention_mask"}, "mask", attribute{"to", float}),
			node("Unsqueeze", []string{"mask", "last"}, "column"),
			node("Mul", []string{"found", "column"}, "masked"),
			node("ReduceSum", []string{"masked", "middle"}, "sum", attribute{"keepdims", 0}),
			node("LpNormalization", []string{"sum"}, "sentence_embedding", attribute{"axis", 1}, attribute{"p", 2}),
		)
		matrix := []int64{-1, -1}
		w.save(file, model(nodes, []message{table, axis("last", 2), axis("middle", 1)},
			[]message{port("input_ids", int64s, matrix), port("attention_mask", int64s, matrix)}, []message{port("sentence_embedding", float, []int64{-1, Dim})}))
	}
}

// Rounded computes in Go what Variant's graph in int8 computes.
func Rounded(ids, mask tensor.Tensor) (tensor.Tensor, error) {
	table := weights(len(Vocabulary()) * Dim)
	low, high := 0.0, 0.0
	for _, v := range table {
		low, high = min(low, float64(v)), max(high, float64(v))
	}
	step := (high - low) / 255
	zero := math.RoundToEven(-low / step)
	for i, v := range table {
		table[i] = float32((min(max(math.RoundToEven(float64(v)/step)+zero, 0), 255) - zero) * step)
	}
	return embed(table, ids, mask)
}
