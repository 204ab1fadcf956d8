package service

import (
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// The inputs that text graphs have, by their published names. Any other (the
// segment of a token, say) is all zeros for a single sequence.
const (
	inputIDs      = "input_ids"
	attentionMask = "attention_mask"
)

// textInputs pads token ids to a width and makes the inputs of the graph.
func textInputs(m *store.Model, rows [][]int64, width int) []tensor.Tensor {
	shape := []int64{int64(len(rows)), int64(width)}
	ports := m.Whole().Inputs
	inputs := make([]tensor.Tensor, len(ports))
	for i, p := range ports {
		data := make([]int64, len(rows)*width)
		for r, ids := range rows {
			line := data[r*width:][:width]
			switch p.Name {
			case inputIDs:
				for c := copy(line, ids); c < width; c++ {
					line[c] = m.Text.PadID
				}
			case attentionMask:
				for c := range ids {
					line[c] = 1
				}
			}
		}
		inputs[i] = tensor.Tensor{Name: p.Name, Type: tensor.INT64, Shape: shape, I64: data}
	}
	return inputs
}

// WarmUp returns inputs for one execution of a model: a grey image, or a few
// tokens.
func WarmUp(m *store.Model) []tensor.Tensor {
	if m.Text != nil {
		return textInputs(m, [][]int64{make([]int64, 8)}, 8)
	}
	port := m.Whole().Inputs[0]
	shape := append([]int64{1}, port.Shape[1:]...)
	size := 1
	for _, d := range shape {
		size *= int(d)
	}
	return []tensor.Tensor{{Name: port.Name, Type: tensor.FP32, Shape: shape, F32: make([]float32, size)}}
}
