package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/tensor"
)

// Graph is one part of a model, in one precision.
type Graph struct {
	Name      string          `json:"name"`
	File      string          `json:"file"`
	Precision stack.Precision `json:"precision"`
	Inputs    []Port          `json:"inputs"`
	Outputs   []Port          `json:"outputs"`
}

// Path is where a graph of the model lies.
func (m *Model) Path(g Graph) string { return filepath.Join(m.Dir, g.File) }

// In is the model with its graphs in a precision; else they are in fp32.
func (m *Model) In(p stack.Precision) (*Model, error) {
	if !slices.ContainsFunc(m.Graphs, func(g Graph) bool { return g.Precision == p }) {
		return nil, fmt.Errorf("model store: %s has no graph in %s", m.Name, p)
	}
	other := *m
	other.precision = p
	return &other, nil
}

// Part gives a part of the model in its precision.
func (m *Model) Part(name string) (Graph, error) {
	for _, g := range m.Graphs {
		if g.Name == name && g.Precision == m.precision {
			return g, nil
		}
	}
	return Graph{}, fmt.Errorf("model store: %s has no graph %q in %s", m.Name, name, m.precision)
}

// Whole is the graph of a model of one part; without inputs and outputs where
// it has several.
func (m *Model) Whole() Graph {
	g, _ := m.Part(stack.Whole)
	return g
}

func (m *Model) checkGraphs() error {
	if len(m.Graphs) == 0 {
		return errors.New("it has no graphs")
	}
	for i, g := range m.Graphs {
		switch {
		case g.Name == "" || g.Precision == "" || g.File != filepath.Base(g.File) || !filepath.IsLocal(g.File):
			return fmt.Errorf("a graph is %q in %q, in the file %q", g.Name, g.Precision, g.File)
		case len(g.Inputs) == 0 || len(g.Outputs) == 0:
			return fmt.Errorf("%d inputs and %d outputs of the graph %s, want at least one each", len(g.Inputs), len(g.Outputs), g.Name)
		}
		for _, other := range m.Graphs[:i] {
			if g.Name == other.Name && g.Precision == other.Precision || g.File == other.File {
				return fmt.Errorf("the graph %s in %s is there twice", g.Name, g.Precision)
			}
		}
		if g.Name != stack.Whole {
			continue
		}
		if err := m.checkPorts(g); err != nil {
			return err
		}
		if err := m.checkDecoder(g); err != nil {
			return err
		}
	}
	return nil
}

// checkPorts compares the graph of a model of one part with its preprocessing.
func (m *Model) checkPorts(g Graph) error {
	for _, p := range g.Inputs {
		if m.Image != nil && (p.Type != tensor.FP32 || len(p.Shape) != 4) {
			return fmt.Errorf("input %s is %s %v, want FP32 of four dimensions", p.Name, p.Type, p.Shape)
		}
		if m.Text != nil && (p.Type != tensor.INT64 || len(p.Shape) != 2) {
			return fmt.Errorf("input %s is %s %v, want INT64 of two dimensions", p.Name, p.Type, p.Shape)
		}
	}
	if len(g.Outputs) != 1 {
		return fmt.Errorf("%d outputs, want one", len(g.Outputs))
	}
	out := g.Outputs[0]
	if out.Type != tensor.FP32 || len(out.Shape) != 2 || out.Shape[1] < 1 {
		return fmt.Errorf("output %s is %s %v, want FP32 [-1, n]", out.Name, out.Type, out.Shape)
	}
	if m.Image != nil {
		want := []int64{3, int64(m.Image.Size), int64(m.Image.Size)}
		if len(g.Inputs) != 1 || !slices.Equal(g.Inputs[0].Shape[1:], want) {
			return fmt.Errorf("the input's shape is %v, but the image recipe makes %v", g.Inputs[0].Shape, want)
		}
	}
	return nil
}

// decoderInputs are the graph's inputs beside its cache, in their order.
func decoderInputs() []string { return []string{"input_ids", "attention_mask", "position_ids"} }

func (m *Model) checkDecoder(g Graph) error {
	d := m.Decoder
	switch {
	case d == nil:
		return nil
	case m.Text == nil:
		return errors.New("there is a decoder, but no text")
	case d.Layers < 1 || d.KVHeads < 1 || d.HeadDim < 1:
		return fmt.Errorf("the decoder has %d layers, %d kv_heads and a head_dim of %d", d.Layers, d.KVHeads, d.HeadDim)
	case d.Context < 2:
		return fmt.Errorf("the decoder's context is %d", d.Context)
	case int64(d.Vocab) != g.Outputs[0].Shape[1] || d.EOS < 0 || d.EOS >= int64(d.Vocab):
		return fmt.Errorf("the decoder has a vocab of %d and an eos of %d, and logits %v", d.Vocab, d.EOS, g.Outputs[0].Shape)
	}
	names := make([]string, len(g.Inputs))
	for i, p := range g.Inputs {
		names[i] = p.Name
	}
	if !slices.Equal(names, decoderInputs()) {
		return fmt.Errorf("the inputs are %q, and those of a decoder %q", names, decoderInputs())
	}
	return nil
}
