// Package onnx runs one ONNX graph with ONNX Runtime, loaded as a shared
// library at run time.
package onnx

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Session is a loaded graph. Run may be called from several goroutines.
type Session struct {
	session *ort.DynamicAdvancedSession
	output  store.Port
}

// Open loads the graph of a model of one part and, through its external data,
// its weights. Load must have succeeded before. Threads is the number of
// threads one execution computes with.
func Open(m *store.Model, device stack.Device, threads int) (*Session, error) {
	g, err := m.Part(stack.Whole)
	if err != nil {
		return nil, err
	}
	session, err := openGraph(m, g, names(g.Inputs), names(g.Outputs), device, threads)
	if err != nil {
		return nil, err
	}
	return &Session{session: session, output: g.Outputs[0]}, nil
}

// openGraph loads a graph of the model, to be run with these inputs and outputs.
func openGraph(m *store.Model, g store.Graph, inputs, outputs []string, device stack.Device, threads int) (*ort.DynamicAdvancedSession, error) {
	options, err := sessionOptions(device, threads)
	if err != nil {
		return nil, fmt.Errorf("session of %s: %w", m.Name, err)
	}
	defer options.Destroy()
	session, err := ort.NewDynamicAdvancedSession(m.Path(g), inputs, outputs, options)
	if err != nil {
		return nil, fmt.Errorf("session of %s: %w", m.Name, err)
	}
	trim()
	return session, nil
}

func names(ports []store.Port) []string {
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = p.Name
	}
	return list
}

func sessionOptions(device stack.Device, threads int) (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	steps := []func() error{
		func() error { return o.SetIntraOpNumThreads(threads) },
		func() error { return o.SetInterOpNumThreads(1) },
		func() error { return o.SetExecutionMode(ort.ExecutionModeSequential) },
		// Idle threads must sleep: spinning would take the cores from decoding
		// and tokenising, and count as the stack's CPU time.
		func() error { return o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0") },
		func() error { return o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0") },
		// Memory patterns are kept for each input shape seen; shapes vary here.
		func() error { return o.SetMemPattern(false) },
	}
	if device == stack.GPU {
		steps = append(steps, func() error { return appendCUDA(o) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			o.Destroy()
			return nil, err
		}
	}
	return o, nil
}

func appendCUDA(o *ort.SessionOptions) error {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return fmt.Errorf("this ONNX Runtime library has no CUDA provider: %w", err)
	}
	defer cuda.Destroy()
	if err := o.AppendExecutionProviderCUDA(cuda); err != nil {
		return fmt.Errorf("the CUDA provider cannot start: %w", err)
	}
	return nil
}

// Run executes the graph on inputs in the order of the model's description and
// returns its output [rows, n], where rows is the first input's.
func (s *Session) Run(inputs []tensor.Tensor) (tensor.Tensor, error) {
	given, err := values(inputs)
	if err != nil {
		return tensor.Tensor{}, err
	}
	defer destroy(given)
	shape := []int64{int64(inputs[0].Rows()), s.output.Shape[1]}
	data := make([]float32, shape[0]*shape[1])
	out, err := ort.NewTensor(ort.Shape(shape), data)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("output %s: %w", s.output.Name, err)
	}
	defer out.Destroy()
	if err := s.session.Run(given, []ort.Value{out}); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.Tensor{Name: s.output.Name, Type: tensor.FP32, Shape: shape, F32: data}, nil
}

// values are tensors as ONNX Runtime takes them; destroy frees them.
func values(tensors []tensor.Tensor) ([]ort.Value, error) {
	list := make([]ort.Value, 0, len(tensors))
	for _, t := range tensors {
		v, err := value(t)
		if err != nil {
			destroy(list)
			return nil, fmt.Errorf("input %s: %w", t.Name, err)
		}
		list = append(list, v)
	}
	return list, nil
}

func value(t tensor.Tensor) (ort.Value, error) {
	switch t.Type {
	case tensor.FP32:
		return ort.NewTensor(ort.Shape(t.Shape), t.F32)
	case tensor.INT64:
		return ort.NewTensor(ort.Shape(t.Shape), t.I64)
	default:
		return nil, fmt.Errorf("the graph takes no %s", t.Type)
	}
}

// Close frees the graph and its weights. No Run may be under way.
func (s *Session) Close() error { return s.session.Destroy() }
