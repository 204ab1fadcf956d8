package stack

import "cmp"

// Precision is what a graph computes in, as the name's precision key has it.
type Precision string

const (
	FP32 Precision = "fp32"
	INT8 Precision = "int8"
)

// Whole is the name of the graph of a model that has but one part.
const Whole = "model"

// Graph is one part of a model, computed in one precision: an encoder or a
// decoder, int8 beside fp32. All graphs of a model read the same weights file:
// one of another precision rounds the values as it is loaded.
type Graph struct {
	Name      string       `json:"name"` // of the part
	File      string       `json:"file"` // ONNX, in the model's folder
	Precision Precision    `json:"precision"`
	Inputs    []TensorSpec `json:"inputs"`
	Outputs   []TensorSpec `json:"outputs"`
}

// Graph gives a part of the model in a precision, and whether there is one.
func (m Model) Graph(name string, p Precision) (Graph, bool) {
	for _, g := range m.Graphs {
		if g.Name == name && g.Precision == p {
			return g, true
		}
	}
	return Graph{}, false
}

// Computes is the precision of the run.
func (r Run) Computes() Precision { return cmp.Or(r.Precision, FP32) }

// Graph gives a part of the model in the precision of the run.
func (r Run) Graph(name string) (Graph, bool) { return r.Model.Graph(name, r.Computes()) }

// Graphs lists the parts in the precision of the run.
func (r Run) Graphs() []Graph {
	var all []Graph
	for _, g := range r.Model.Graphs {
		if g.Precision == r.Computes() {
			all = append(all, g)
		}
	}
	return all
}
