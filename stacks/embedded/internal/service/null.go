package service

import (
	"math"
	"slices"

	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// null is what tasks have alike when nothing is computed: it answers a
// well-formed request of any served name with a fixed row for each item. What a
// client measures against it is the client, the transport and the launcher.
type null struct {
	identity
	name string    // of the output
	row  []float32 // one answer
}

// NewNull serves a model without computing, by answers in the model's shapes and
// under the same names.
func NewNull(m *store.Model, info Info) (Served, error) {
	t, err := taskOf(m)
	if err != nil {
		return nil, err
	}
	n := null{identity: identity{info, t.specs(m)}, name: m.Whole().Outputs[0].Name, row: make([]float32, m.Whole().Outputs[0].Shape[1])}
	for i := range n.row {
		// A unit vector whose digits are as many as those of a real answer.
		n.row[i] = float32(math.Sin(float64(i+1)) * math.Sqrt2 / math.Sqrt(float64(len(n.row))))
	}
	return t.null(n), nil
}

func (n null) infer(name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	_, inputs, err := checked(n, name, inputs)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return n.rows(inputs[0].Rows()), nil
}

func (n null) rows(count int) tensor.Tensor {
	return tensor.Tensor{
		Name: n.name, Type: tensor.FP32, Shape: []int64{int64(count), int64(len(n.row))}, F32: slices.Repeat(n.row, count),
	}
}
