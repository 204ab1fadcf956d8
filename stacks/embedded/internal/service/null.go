package service

import (
	"context"
	"math"
	"slices"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Null is the Service that computes nothing: it answers a well-formed request
// of any served name with a fixed row for each item. What a client measures
// against it is the client, the transport and the launcher.
type Null struct {
	info  Info
	specs []Spec
	image bool
	name  string    // of the output
	row   []float32 // one answer
}

var _ Service = (*Null)(nil)

// NewNull returns a Null that answers in the model's shapes.
func NewNull(m *store.Model, info Info) *Null {
	n := &Null{info: info, specs: specsOf(m), image: m.Image != nil, name: m.Outputs[0].Name}
	n.row = make([]float32, m.Outputs[0].Shape[1])
	for i := range n.row {
		// A unit vector whose digits are as many as those of a real answer.
		n.row[i] = float32(math.Sin(float64(i+1)) * math.Sqrt2 / math.Sqrt(float64(len(n.row))))
	}
	return n
}

// Info returns what the server says of itself.
func (n *Null) Info() Info { return n.info }

// Specs lists the same names as a server that computes.
func (n *Null) Specs() []Spec { return n.specs }

// Infer checks the request and answers at once.
func (n *Null) Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return dispatch(ctx, n, name, inputs, func(_ context.Context, in []tensor.Tensor) (tensor.Tensor, error) {
		return n.rows(in[0].Rows()), nil
	})
}

// Classify answers without looking at the files.
func (n *Null) Classify(_ context.Context, files [][]byte) (tensor.Tensor, error) {
	if !n.image {
		return tensor.Tensor{}, fault.New(fault.Unknown, "%s does not classify images", n.info.Model)
	}
	return n.rows(len(files)), nil
}

// Embed answers without looking at the texts, and counts one token for each.
func (n *Null) Embed(_ context.Context, list []string) (tensor.Tensor, int, error) {
	if n.image {
		return tensor.Tensor{}, 0, fault.New(fault.Unknown, "%s does not embed texts", n.info.Model)
	}
	return n.rows(len(list)), len(list), nil
}

func (n *Null) rows(count int) tensor.Tensor {
	return tensor.Tensor{
		Name: n.name, Type: tensor.FP32, Shape: []int64{int64(count), int64(len(n.row))}, F32: slices.Repeat(n.row, count),
	}
}
