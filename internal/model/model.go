// Package model prepares the models that all stacks serve: one set of weights
// a model, as a safetensors file, ONNX graphs whose values lie in that same
// file, a tokenizer, and model.json, which says what is there. Weights come
// from the hub that published them, out of a package that carries them, or are
// made from a seed.
package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"stackbench/internal/stack"
)

// Files of a prepared model.
const (
	WeightsFile   = "model.safetensors"
	GraphFile     = "model.onnx" // of a model's only graph
	TokenizerFile = "tokenizer.json"
	SpecFile      = "model.json"
)

// Weights says where weights come from, or may come from.
type Weights string

const (
	Auto    Weights = "auto"    // the first of hub, package and seeded that can be had
	Hub     Weights = "hub"     // published, pinned by revision and hash
	Package Weights = "package" // out of a pinned package that carries trained weights
	Seeded  Weights = "seeded"  // made here: the true architecture, speed only
	Local   Weights = "local"   // a copy that the user gave, not one of the published files
)

// ParseWeights reads a preference: auto, hub, package or seeded.
func ParseWeights(s string) (Weights, error) {
	switch w := Weights(s); w {
	case Auto, Hub, Package, Seeded:
		return w, nil
	}
	return "", fmt.Errorf("unknown source of weights %q\nuse auto, hub, package or seeded", s)
}

// Model is what model.json says of a prepared model.
type Model struct {
	stack.Model
	Weights Provenance `json:"weights"`
	Dir     string     `json:"-"` // where it lies
}

// Provenance is where a model's weights came from.
type Provenance struct {
	Source Weights `json:"source"` // hub, package, seeded or local
	SHA256 string  `json:"sha256"` // of model.safetensors
	Detail string  `json:"detail"` // publication and revision, package and version, or seed
}

// Trained tells whether accuracy means anything.
func (p Provenance) Trained() bool { return p.Source != Seeded }

// Read gives the model that lies in dir, as its model.json has it; nothing else is looked at.
func Read(dir string) (Model, error) {
	data, err := os.ReadFile(filepath.Join(dir, SpecFile))
	if err != nil {
		return Model{}, fmt.Errorf("read model: %w", err)
	}
	m := Model{Dir: dir}
	if err := json.Unmarshal(data, &m); err != nil {
		return Model{}, fmt.Errorf("read model %s: %w", filepath.Join(dir, SpecFile), err)
	}
	if len(m.Graphs) == 0 {
		if m.Graphs, err = earlier(data); err != nil {
			return Model{}, fmt.Errorf("read model %s: %w", filepath.Join(dir, SpecFile), err)
		}
	}
	return m, nil
}

// earlier gives the one graph that a model had when model.json named no graphs.
func earlier(data []byte) ([]stack.Graph, error) {
	var g struct{ Inputs, Outputs []stack.TensorSpec }
	if err := json.Unmarshal(data, &g); err != nil || len(g.Inputs) == 0 {
		return nil, err
	}
	return []stack.Graph{{Name: stack.Whole, File: GraphFile, Precision: stack.FP32, Inputs: g.Inputs, Outputs: g.Outputs}}, nil
}
