package service

import (
	"slices"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Spec is what one served name takes and gives.
type Spec struct {
	Name    string
	Inputs  []store.Port
	Outputs []store.Port
	front   bool  // it takes the work as people have it, not the graph's own tensors
	stream  bool  // its answer is one
	longest int64 // tokens a row of a text graph may have; 0 for no limit
}

// MaxItems bounds a request: a few bytes of JPEG each become 600 kB of tensor.
const MaxItems = 1024

// arrange checks a request's inputs and returns them in the order of the spec.
func (s Spec) arrange(inputs []tensor.Tensor) ([]tensor.Tensor, error) {
	if len(inputs) != len(s.Inputs) {
		return nil, fault.New(fault.Invalid, "%s takes %d inputs, not %d", s.Name, len(s.Inputs), len(inputs))
	}
	ordered := make([]tensor.Tensor, len(s.Inputs))
	free := []int64{-1, -1, -1, -1} // what a dimension of -1 came out as
	for i, p := range s.Inputs {
		at := slices.IndexFunc(inputs, func(t tensor.Tensor) bool { return t.Name == p.Name })
		if at < 0 {
			return nil, fault.New(fault.Invalid, "%s needs an input %q", s.Name, p.Name)
		}
		ordered[i] = inputs[at]
		if err := s.fits(p, ordered[i], free); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// fits compares a tensor with its port. Dimensions that are free must agree
// over the inputs of a request: free holds what they were so far.
func (s Spec) fits(p store.Port, t tensor.Tensor, free []int64) error {
	if t.Type != p.Type {
		return fault.New(fault.Invalid, "input %q of %s is %s, not %s", p.Name, s.Name, p.Type, t.Type)
	}
	shape := t.Shape
	if s.front && len(shape) == 1 {
		shape = []int64{shape[0], 1} // a plain list is a column
	}
	bad := len(shape) != len(p.Shape)
	for i := 0; !bad && i < len(shape); i++ {
		want := p.Shape[i]
		if want == -1 {
			if free[i] == -1 {
				free[i] = shape[i]
			}
			want = free[i]
		}
		bad = shape[i] != want || shape[i] < 1
	}
	if bad {
		return fault.New(fault.Invalid, "input %q of %s has the shape %v, which does not fit %v", p.Name, s.Name, t.Shape, p.Shape)
	}
	if shape[0] > MaxItems {
		return fault.New(fault.TooLarge, "%d items in one request are over the limit of %d", shape[0], MaxItems)
	}
	if s.longest > 0 && shape[1] > s.longest {
		return fault.New(fault.Invalid, "input %q of %s has rows of %d tokens, over the model's %d", p.Name, s.Name, shape[1], s.longest)
	}
	return nil
}
