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

// Open loads the model's graph and, through its external data, its weights.
// Load must have succeeded before. Threads is the number of threads one
// execution computes with.
func Open(m *store.Model, device stack.Device, threads int) (*Session, error) {
	options, err := sessionOptions(device, threads)
	if err != nil {
		return nil, fmt.Errorf("session of %s: %w", m.Name, err)
	}
	defer options.Destroy()
	inputs := make([]string, len(m.Inputs))
	for i, p := range m.Inputs {
		inputs[i] = p.Name
	}
	session, err := ort.NewDynamicAdvancedSession(m.Graph(), inputs, []string{m.Outputs[0].Name}, options)
	if err != nil {
		return nil, fmt.Errorf("session of %s: %w", m.Name, err)
	}
	trim()
	return &Session{session: session, output: m.Outputs[0]}, nil
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
	values := make([]ort.Value, 0, len(inputs))
	defer func() {
		for _, v := range values {
			v.Destroy()
		}
	}()
	for _, in := range inputs {
		v, err := value(in)
		if err != nil {
			return tensor.Tensor{}, fmt.Errorf("input %s: %w", in.Name, err)
		}
		values = append(values, v)
	}
	shape := []int64{int64(inputs[0].Rows()), s.output.Shape[1]}
	data := make([]float32, shape[0]*shape[1])
	out, err := ort.NewTensor(ort.Shape(shape), data)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("output %s: %w", s.output.Name, err)
	}
	defer out.Destroy()
	if err := s.session.Run(values, []ort.Value{out}); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.Tensor{Name: s.output.Name, Type: tensor.FP32, Shape: shape, F32: data}, nil
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
