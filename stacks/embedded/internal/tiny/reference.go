package tiny

import (
	"errors"
	"math"

	"stackbench/stacks/embedded/internal/tensor"
)

// Graph computes in Go what the model's ONNX graph computes. It takes the
// place of a session in tests, and is the truth that a session is held to.
type Graph string

// Run executes the model named by g.
func (g Graph) Run(inputs []tensor.Tensor) (tensor.Tensor, error) {
	if g == Image {
		return classify(inputs[0]), nil
	}
	return embed(weights(len(Vocabulary())*Dim), inputs[0], inputs[1])
}

func classify(pixels tensor.Tensor) tensor.Tensor {
	out := tensor.Tensor{Name: "logits", Type: tensor.FP32, Shape: []int64{pixels.Shape[0], Classes}}
	w, bias := weights(Classes*3), weights(Classes)
	plane := len(pixels.F32) / pixels.Rows() / 3
	for row := range pixels.Rows() {
		var mean [3]float64
		for c := range 3 {
			for _, v := range pixels.F32[(3*row+c)*plane:][:plane] {
				mean[c] += float64(v) / float64(plane)
			}
		}
		for c := range Classes {
			logit := float64(bias[c])
			for k := range 3 {
				logit += float64(w[3*c+k]) * mean[k]
			}
			out.F32 = append(out.F32, float32(logit))
		}
	}
	return out
}

func embed(table []float32, ids, mask tensor.Tensor) (tensor.Tensor, error) {
	out := tensor.Tensor{Name: "sentence_embedding", Type: tensor.FP32, Shape: []int64{ids.Shape[0], Dim}}
	width := int(ids.Shape[1])
	for row := range ids.Rows() {
		var sum [Dim]float64
		for i := row * width; i < (row+1)*width; i++ {
			id := int(ids.I64[i])
			if id < 0 || id >= len(Vocabulary()) {
				return out, errors.New("indices element out of data bounds")
			}
			for k := range Dim {
				sum[k] += float64(table[id*Dim+k]) * float64(mask.I64[i])
			}
		}
		norm := 0.0
		for _, v := range sum {
			norm += v * v
		}
		for _, v := range sum {
			out.F32 = append(out.F32, float32(v/math.Sqrt(norm)))
		}
	}
	return out, nil
}
