package quality

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"stackbench/internal/safetensors"
)

// pytorch is how the maker of committed answers begins.
const pytorch = "torch "

// against is what a verdict's rule must add when the answers were not held
// against PyTorch's: agreement then says that stacks agree with each other.
func (g *Golden) against() string {
	if strings.HasPrefix(g.Maker, pytorch) {
		return ""
	}
	return ", against the answers of " + g.Maker
}

// Encode writes the answers as a safetensors file that Decode reads.
func (g *Golden) Encode() ([]byte, error) {
	if err := g.check(); err != nil {
		return nil, fmt.Errorf("reference answers of %s: %w", g.Model, err)
	}
	var tensors []safetensors.Tensor
	var data []byte
	for _, id := range slices.Sorted(maps.Keys(g.Answers)) {
		tensors = append(tensors, safetensors.Tensor{Name: id, DType: "F32", Shape: []int64{int64(len(g.Answers[id]))}})
		for _, v := range g.Answers[id] {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
	}
	header, _, err := safetensors.Header(tensors, map[string]string{
		"model": g.Model, "weights_source": g.Source, "weights_sha256": g.SHA256, "maker": g.Maker,
	})
	if err != nil {
		return nil, fmt.Errorf("reference answers of %s: %w", g.Model, err)
	}
	return append(header, data...), nil
}

// Decode reads what Encode wrote. It fails on a damaged file, and on one that
// does not say what it is of.
func Decode(file []byte) (*Golden, error) {
	answers, metadata, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("reference answers: %w", err)
	}
	g := &Golden{
		Model: metadata["model"], Source: metadata["weights_source"], SHA256: metadata["weights_sha256"],
		Maker: metadata["maker"], Answers: answers,
	}
	if g.Model == "" || g.Source == "" || g.SHA256 == "" || g.Maker == "" {
		return nil, fmt.Errorf("reference answers of model %q, weights %q of %q by %q: something is not said", g.Model, g.SHA256, g.Source, g.Maker)
	}
	if err := g.check(); err != nil {
		return nil, fmt.Errorf("reference answers: %w", err)
	}
	return g, nil
}
