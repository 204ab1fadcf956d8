// Package model prepares the models that all stacks serve: one set of weights
// a model, as a safetensors file, an ONNX graph whose values lie in that same
// file, a tokenizer, and model.json, which says what is there. Weights come
// from the hub that published them, out of a package that carries them, or are
// made from a seed.
package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Files of a prepared model.
const (
	WeightsFile   = "model.safetensors"
	GraphFile     = "model.onnx"
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
	Name         string     `json:"name"`
	Task         string     `json:"task"` // as package stack spells it
	Architecture string     `json:"architecture"`
	Weights      Provenance `json:"weights"`
	Inputs       []Tensor   `json:"inputs"`
	Outputs      []Tensor   `json:"outputs"`
	Image        *Image     `json:"image,omitempty"` // of image models
	Text         *Text      `json:"text,omitempty"`  // of text models
	Dir          string     `json:"-"`               // where it lies
}

// Provenance is where a model's weights came from.
type Provenance struct {
	Source Weights `json:"source"` // hub, package, seeded or local
	SHA256 string  `json:"sha256"` // of model.safetensors
	Detail string  `json:"detail"` // publication and revision, package and version, or seed
}

// Trained tells whether accuracy means anything.
func (p Provenance) Trained() bool { return p.Source != Seeded }

// Tensor is an input or output as the Open Inference Protocol names it; −1 in
// its shape is any size.
type Tensor struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// Image says how a picture becomes a tensor: the centre square of crop × the
// short side, scaled with an antialiased filter, then (value − mean) ÷ std.
type Image struct {
	Crop   float64    `json:"crop"`
	Size   int        `json:"size"`   // pixels
	Filter string     `json:"filter"` // bilinear or bicubic
	Mean   [3]float64 `json:"mean"`   // red, green, blue on 0…255
	Std    [3]float64 `json:"std"`
}

// Text says how a text becomes token ids.
type Text struct {
	MaxTokens int    `json:"max_tokens"` // special tokens included
	PadID     int64  `json:"pad_id"`
	Lowercase bool   `json:"lowercase"`
	SHA256    string `json:"tokenizer_sha256"` // of tokenizer.json
}

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
	return m, nil
}
