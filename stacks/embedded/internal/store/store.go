// Package store reads one model of the model store: what model.json says of
// it, where its files are, and whether its weights file is whole.
package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"stackbench/internal/safetensors"
	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/pixels"
	"stackbench/stacks/embedded/internal/tensor"
)

// Port is one input or output of a graph. A dimension of -1 is any.
type Port struct {
	Name  string      `json:"name"`
	Type  tensor.Type `json:"datatype"`
	Shape []int64     `json:"shape"`
}

// Text is the preprocessing of a text model.
type Text struct {
	MaxTokens int   `json:"max_tokens"`
	PadID     int64 `json:"pad_id"`
}

// Weights says which weights these are.
type Weights struct {
	Source string `json:"source"`
	SHA256 string `json:"sha256"`
}

// Model is a model as its folder describes it. One of Image and Text is set;
// Decoder beside Text when the model generates.
type Model struct {
	Dir     string             `json:"-"`
	Name    string             `json:"name"`
	Weights Weights            `json:"weights"`
	Inputs  []Port             `json:"inputs"`
	Outputs []Port             `json:"outputs"`
	Image   *pixels.Recipe     `json:"image"`
	Text    *Text              `json:"text"`
	Decoder *stack.DecoderSpec `json:"decoder"`
}

// Graph is the path of the ONNX file.
func (m *Model) Graph() string { return filepath.Join(m.Dir, "model.onnx") }

// Tokenizer is the path of the tokenizer file of a text model.
func (m *Model) Tokenizer() string { return filepath.Join(m.Dir, "tokenizer.json") }

// weights is the path of the safetensors file.
func (m *Model) weights() string { return filepath.Join(m.Dir, "model.safetensors") }

// Describe reads and checks model.json of the named model in the store.
func Describe(store, name string) (*Model, error) {
	path := filepath.Join(store, name, "model.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	m := &Model{Dir: filepath.Join(store, name)}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("model store: %s: %w", path, err)
	}
	if err := m.check(name); err != nil {
		return nil, fmt.Errorf("model store: %s: %w", path, err)
	}
	return m, nil
}

// Open is Describe, and checks that the model's files are there and that the
// weights file is as long as its own header says. It does not hash the
// weights: who prepared the store did, and a start is timed.
func Open(store, name string) (*Model, error) {
	m, err := Describe(store, name)
	if err != nil {
		return nil, err
	}
	files := []string{m.Graph()}
	if m.Text != nil {
		files = append(files, m.Tokenizer())
	}
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			return nil, fmt.Errorf("model store: %w", err)
		}
	}
	f, err := os.Open(m.weights())
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	// A download that was cut off has the right header and too little after it,
	// and ONNX Runtime would read past the end.
	if _, err := safetensors.Read(f, info.Size()); err != nil {
		return nil, fmt.Errorf("model store: %s: %w", m.weights(), err)
	}
	return m, nil
}

func (m *Model) check(name string) error {
	switch {
	case m.Name != name:
		return fmt.Errorf("it describes %q, not %q", m.Name, name)
	case (m.Image == nil) == (m.Text == nil):
		return fmt.Errorf("exactly one of image and text must be there")
	case len(m.Inputs) == 0 || len(m.Outputs) != 1:
		return fmt.Errorf("%d inputs and %d outputs, want at least one input and one output", len(m.Inputs), len(m.Outputs))
	case m.Text != nil && m.Text.MaxTokens < 1:
		return fmt.Errorf("max_tokens is %d", m.Text.MaxTokens)
	}
	if err := m.checkPorts(); err != nil {
		return err
	}
	return m.checkDecoder()
}

func (m *Model) checkPorts() error {
	for _, p := range m.Inputs {
		if m.Image != nil && (p.Type != tensor.FP32 || len(p.Shape) != 4) {
			return fmt.Errorf("input %s is %s %v, want FP32 of four dimensions", p.Name, p.Type, p.Shape)
		}
		if m.Text != nil && (p.Type != tensor.INT64 || len(p.Shape) != 2) {
			return fmt.Errorf("input %s is %s %v, want INT64 of two dimensions", p.Name, p.Type, p.Shape)
		}
	}
	out := m.Outputs[0]
	if out.Type != tensor.FP32 || len(out.Shape) != 2 || out.Shape[1] < 1 {
		return fmt.Errorf("output %s is %s %v, want FP32 [-1, n]", out.Name, out.Type, out.Shape)
	}
	if m.Image != nil {
		want := []int64{3, int64(m.Image.Size), int64(m.Image.Size)}
		if got := m.Inputs[0].Shape[1:]; len(m.Inputs) != 1 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
			return fmt.Errorf("the input's shape is %v, but the image recipe makes %v", m.Inputs[0].Shape, want)
		}
	}
	return nil
}

// decoderInputs are the graph's inputs beside its cache, in their order.
func decoderInputs() []string { return []string{"input_ids", "attention_mask", "position_ids"} }

func (m *Model) checkDecoder() error {
	d := m.Decoder
	switch {
	case d == nil:
		return nil
	case m.Text == nil:
		return fmt.Errorf("there is a decoder, but no text")
	case d.Layers < 1 || d.KVHeads < 1 || d.HeadDim < 1:
		return fmt.Errorf("the decoder has %d layers, %d kv_heads and a head_dim of %d", d.Layers, d.KVHeads, d.HeadDim)
	case d.Context < 2:
		return fmt.Errorf("the decoder's context is %d", d.Context)
	case int64(d.Vocab) != m.Outputs[0].Shape[1] || d.EOS < 0 || d.EOS >= int64(d.Vocab):
		return fmt.Errorf("the decoder has a vocab of %d and an eos of %d, and logits %v", d.Vocab, d.EOS, m.Outputs[0].Shape)
	}
	names := make([]string, len(m.Inputs))
	for i, p := range m.Inputs {
		names[i] = p.Name
	}
	if !slices.Equal(names, decoderInputs()) {
		return fmt.Errorf("the inputs are %q, and those of a decoder %q", names, decoderInputs())
	}
	return nil
}
