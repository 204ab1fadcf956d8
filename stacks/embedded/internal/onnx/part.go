package onnx

import (
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Part is a loaded graph of a model of several: an encoder, say. Run may be
// called from several goroutines.
type Part struct {
	session *ort.DynamicAdvancedSession
	outputs []store.Port
}

// OpenPart is Open for one part of a model.
func OpenPart(m *store.Model, name string, device stack.Device, threads int) (*Part, error) {
	g, err := m.Part(name)
	if err != nil {
		return nil, err
	}
	session, err := openGraph(m, g, names(g.Inputs), names(g.Outputs), device, threads)
	if err != nil {
		return nil, err
	}
	return &Part{session: session, outputs: g.Outputs}, nil
}

// Run executes the graph on inputs in the order of its description and returns
// its outputs, whatever their shapes, in theirs.
func (p *Part) Run(inputs []tensor.Tensor) ([]tensor.Tensor, error) {
	given, err := values(inputs)
	if err != nil {
		return nil, err
	}
	defer destroy(given)
	made := make([]ort.Value, len(p.outputs)) // by ONNX Runtime, which alone knows the shapes
	if err := p.session.Run(given, made); err != nil {
		return nil, err
	}
	defer destroy(made)
	outputs := make([]tensor.Tensor, len(made))
	for i, v := range made {
		out := tensor.Tensor{Name: p.outputs[i].Name, Type: p.outputs[i].Type, Shape: slices.Clone([]int64(v.GetShape()))}
		switch v := v.(type) {
		case *ort.Tensor[float32]:
			out.F32 = slices.Clone(v.GetData())
		case *ort.Tensor[int64]:
			out.I64 = slices.Clone(v.GetData())
		default:
			return nil, fmt.Errorf("output %s is %T, want %s", out.Name, v, out.Type)
		}
		outputs[i] = out
	}
	return outputs, nil
}

// Close frees the graph. No Run may be under way.
func (p *Part) Close() error { return p.session.Destroy() }
