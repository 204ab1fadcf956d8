// Package store reads one model of the model store: what model.json says of
// it, where its files are, and whether its weights file is whole.
package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

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
	Graphs  []Graph            `json:"graphs"`
	Image   *pixels.Recipe     `json:"image"`
	Text    *Text              `json:"text"`
	Decoder *stack.DecoderSpec `json:"decoder"`

	precision stack.Precision
}

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
	m := &Model{Dir: filepath.Join(store, name), precision: stack.FP32}
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
	var files []string
	for _, g := range m.Graphs {
		files = append(files, m.Path(g))
	}
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
	case m.Text != nil && m.Text.MaxTokens < 1:
		return fmt.Errorf("max_tokens is %d", m.Text.MaxTokens)
	}
	return m.checkGraphs()
}
