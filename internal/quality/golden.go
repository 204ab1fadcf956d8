// Package quality proves that a stack's answers are right: it compares the
// answers of a measured window with golden ones, made by PyTorch from the same
// weights. A stack that is fast because it is wrong must fail, not win.
package quality

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"stackbench/internal/stack"
)

// Golden holds the right answers of a model to the committed inputs. Where none
// of PyTorch's are of the served weights, those of another stack stand in, and
// Maker says whose.
type Golden struct {
	Model   string
	Source  string               // of the weights: hub, package, seeded or local
	SHA256  string               // of the weights
	Maker   string               // what computed the answers: "torch 2.13.0"
	Answers map[string][]float32 // logits or embedding by input
}

// tensorSuffix marks the answer to the lossless cut of an image.
const tensorSuffix = ".tensor"

// ID names the golden answer to a committed input in the form in which it was sent.
func ID(input string, form stack.Input) string {
	if form == stack.Tensor {
		return input + tensorSuffix
	}
	return input
}

// ReadGolden reads the golden answers of a model: golden/<model>.safetensors
// in testdata.
func ReadGolden(testdata fs.FS, model string) (*Golden, error) {
	name := "golden/" + model + ".safetensors"
	file, err := fs.ReadFile(testdata, name)
	if err != nil {
		return nil, fmt.Errorf("no golden answers of %s: %w\nmake them with testdata/golden/generate/golden.py", model, err)
	}
	answers, metadata, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("testdata/%s is not a safetensors file of golden answers: %w\nrestore it: git checkout testdata", name, err)
	}
	g := &Golden{
		Model:   metadata["model"],
		Source:  metadata["weights_source"],
		SHA256:  metadata["weights_sha256"],
		Maker:   pytorch + metadata["torch"],
		Answers: answers,
	}
	if g.Model != model || g.SHA256 == "" || g.Source == "" {
		return nil, fmt.Errorf("testdata/%s says model %q, weights %q of %q\nmake it again with testdata/golden/generate/golden.py", name, g.Model, g.SHA256, g.Source)
	}
	if err := g.check(); err != nil {
		return nil, fmt.Errorf("testdata/%s: %w\nmake it again with testdata/golden/generate/golden.py", name, err)
	}
	return g, nil
}

// check that the answers are finite and alike in length.
func (g *Golden) check() error {
	length := -1
	for id, values := range g.Answers {
		if length < 0 {
			length = len(values)
		}
		if len(values) == 0 || len(values) != length {
			return fmt.Errorf("answer %q has %d values, another has %d", id, len(values), length)
		}
		if i := nonFinite(values); i >= 0 {
			return fmt.Errorf("answer %q is %v at %d", id, values[i], i)
		}
	}
	if length < 0 {
		return errors.New("holds no answer")
	}
	return nil
}

// Match reports, as an error, that the golden answers were made from other
// weights than the ones that are served: comparing with them would prove nothing.
func (g *Golden) Match(sha256 string) error {
	if strings.EqualFold(g.SHA256, sha256) {
		return nil
	}
	return otherWeights("the golden answers of %s are of weights %.12s (%s), not of the served %.12s\nprepare the model again with the same source, or make golden answers of these weights with testdata/golden/generate/golden.py", g.Model, g.SHA256, g.Source, sha256)
}

// Trained reports whether accuracy means anything with these weights.
func (g *Golden) Trained() bool {
	return g.Source == "hub" || g.Source == "package"
}

// sameForm lists, sorted, the inputs whose answers are of the same form.
func (g *Golden) sameForm(form stack.Input) []string {
	var ids []string
	for id := range g.Answers {
		if strings.HasSuffix(id, tensorSuffix) == (form == stack.Tensor) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// nonFinite is the place of the first NaN or infinity; -1 when there is none.
func nonFinite(values []float32) int {
	return slices.IndexFunc(values, func(v float32) bool {
		return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
	})
}
