package service

import (
	"context"
	"math"
	"slices"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Null is the Service that computes nothing: it answers a well-formed request
// of any served name with a fixed row for each item. What a client measures
// against it is the client, the transport and the launcher.
type Null struct {
	info  Info
	specs []Spec
	kind  kind      // of the model's front
	name  string    // of the output
	row   []float32 // one answer
}

var _ Service = (*Null)(nil)

// NewNull returns a Null that answers in the model's shapes.
func NewNull(m *store.Model, info Info) *Null {
	out := m.Whole().Outputs[0]
	n := &Null{info: info, specs: specsOf(m), name: out.Name}
	n.kind = n.specs[len(n.specs)-1].kind
	n.row = make([]float32, out.Shape[1])
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
	if n.kind != images {
		return tensor.Tensor{}, noClasses(n.info.Model)
	}
	return n.rows(len(files)), nil
}

// Embed answers without looking at the texts, and counts one token for each.
func (n *Null) Embed(_ context.Context, list []string) (tensor.Tensor, int, error) {
	if n.kind != texts {
		return tensor.Tensor{}, 0, noEmbeddings(n.info.Model)
	}
	return n.rows(len(list)), len(list), nil
}

// nullToken is a token of the length that English ones have.
const nullToken = " null"

// Generate gives the same token again and again, without looking at the prompt,
// for which it counts one token.
func (n *Null) Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error {
	if n.kind != prompts {
		return noText(n.info.Model)
	}
	if err := r.Check(); err != nil {
		return err
	}
	for i := range r.Max {
		if ctx.Err() != nil {
			return fault.New(fault.Gone, "the client left: %v", ctx.Err())
		}
		c := generation.Chunk{Text: nullToken, Tokens: 1, Prompt: 1, Total: i + 1}
		if c.Total == r.Max {
			c.Finish = generation.Length
		}
		if err := give(c); err != nil {
			return fault.New(fault.Gone, "the client left: %v", err)
		}
	}
	return nil
}

func (n *Null) rows(count int) tensor.Tensor {
	return tensor.Tensor{
		Name: n.name, Type: tensor.FP32, Shape: []int64{int64(count), int64(len(n.row))}, F32: slices.Repeat(n.row, count),
	}
}
