// Package service is the server without its transports: it checks requests,
// turns images and texts into tensors and has the model executed. Each task is
// a file, and a line of the table of tasks.
package service

import (
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/tensor"
)

// Platform is the protocol's name of the format that models have here.
const Platform = "onnxruntime_onnx"

// Info is what the server says of itself when it is ready.
type Info struct {
	Model         string `json:"model"`
	Runtime       string `json:"runtime"` // name and version; "null" when nothing computes
	Device        string `json:"device"`
	Threads       int    `json:"threads"`
	WeightsSHA256 string `json:"weights_sha256"`
	MaxBatch      int    `json:"max_batch"`
}

// Served is what every served model has. Beside it a model has the methods of
// what it does and no others: a transport says in an interface of its own what
// it needs, and asks for it by As. All methods may be called concurrently; their
// errors carry a kind of package fault.
type Served interface {
	Info() Info
	// Specs lists the served names.
	Specs() []Spec
}

// As returns the served model as one that does what T has; an error of kind
// Unknown when it does not. The words say what was asked for: embed texts.
func As[T any](s Served, words string) (T, error) {
	does, ok := s.(T)
	if !ok {
		return does, fault.New(fault.Unknown, "%s does not %s", s.Info().Model, words)
	}
	return does, nil
}

// Only returns an error of kind Unknown unless the name is the model's.
func Only(s Served, model string) error {
	if has := s.Info().Model; model != has {
		return fault.New(fault.Unknown, "unknown model %q: this server has %s", model, has)
	}
	return nil
}

// Find returns the spec of a served name; an error of kind Unknown otherwise.
func Find(s Served, name string) (Spec, error) {
	for _, spec := range s.Specs() {
		if spec.Name == name {
			return spec, nil
		}
	}
	return Spec{}, fault.New(fault.Unknown, "unknown model %q: this server has %s", name, names(s))
}

func names(s Served) string {
	list := ""
	for i, spec := range s.Specs() {
		if i > 0 {
			list += " and "
		}
		list += spec.Name
	}
	return list
}

// checked returns the spec of a request's name, and its inputs in the order that
// this has.
func checked(s Served, name string, inputs []tensor.Tensor) (Spec, []tensor.Tensor, error) {
	spec, err := Find(s, name)
	if err != nil {
		return Spec{}, nil, err
	}
	if err := spec.Inferable(); err != nil {
		return Spec{}, nil, err
	}
	inputs, err = spec.arrange(inputs)
	return spec, inputs, err
}

// identity makes a Served.
type identity struct {
	info  Info
	specs []Spec
}

// Info returns what the server says of itself.
func (i identity) Info() Info { return i.info }

// Specs lists the served names.
func (i identity) Specs() []Spec { return i.specs }
