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
	kind    kind
	longest int64 // tokens a row of a text graph may have; 0 for no limit
}

// MaxItems bounds a request: a few bytes of JPEG each become 600 kB of tensor.
const MaxItems = 1024

// kind is what a name's inputs are made of.
type kind uint8

const (
	graph   kind = iota // the graph's own tensors
	images              // JPEG files
	texts               // UTF-8 strings
	prompts             // one UTF-8 string, answered by a stream
)

// specsOf returns the names under which a model is served: the graph itself,
// and the name that takes the work as people have it.
func specsOf(m *store.Model) []Spec {
	if m.Decoder != nil {
		return []Spec{generates(m.Name)}
	}
	g := m.Whole()
	own := Spec{Name: m.Name, Inputs: g.Inputs, Outputs: g.Outputs, kind: graph}
	front := Spec{Name: m.Name + "_jpeg", Outputs: g.Outputs, kind: images}
	input := store.Port{Name: "IMAGE", Type: tensor.BYTES, Shape: []int64{-1, 1}}
	if m.Text != nil {
		own.longest = int64(m.Text.MaxTokens)
		front.Name, front.kind, input.Name = m.Name+"_text", texts, "TEXT"
	}
	front.Inputs = []store.Port{input}
	return []Spec{own, front}
}

// The tensors of generated text are those of Triton's vLLM backend.
const (
	TextInput     = "text_input"
	Sampling      = "sampling_parameters" // JSON
	Stream        = "stream"
	ExcludeInput  = "exclude_input_in_output"
	TextOutput    = "text_output"
	FinishReason  = "finish_reason"
	PromptTokens  = "num_input_tokens"
	OutputTokens  = "num_output_tokens" // of one message
	ReturnsPrefix = "return_"           // and an output's name: an input that asks for it
)

// generates is what the name of a model that generates takes and gives.
func generates(model string) Spec {
	port := func(name string, t tensor.Type) store.Port { return store.Port{Name: name, Type: t, Shape: []int64{1}} }
	return Spec{
		Name: model,
		Inputs: []store.Port{
			port(TextInput, tensor.BYTES), port(Sampling, tensor.BYTES), port(Stream, "BOOL"), port(ExcludeInput, "BOOL"),
			port(ReturnsPrefix+FinishReason, "BOOL"), port(ReturnsPrefix+PromptTokens, "BOOL"), port(ReturnsPrefix+OutputTokens, "BOOL"),
		},
		Outputs: []store.Port{
			port(TextOutput, tensor.BYTES), port(FinishReason, tensor.BYTES), port(PromptTokens, "UINT32"), port(OutputTokens, "UINT32"),
		},
		kind: prompts,
	}
}

// Generates reports whether the name stands for a model that generates text.
func (s Spec) Generates() bool { return s.kind == prompts }

// Inferable returns an error of kind Invalid for a name whose answer is a stream.
func (s Spec) Inferable() error {
	if s.Generates() {
		return fault.New(fault.Invalid, "%s generates text: ask it by ModelStreamInfer, /v1/completions or /v1/generate", s.Name)
	}
	return nil
}

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
	if s.kind != graph && len(shape) == 1 {
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
