// Package seeded makes weights out of a seed: of the true shapes, the same to
// the byte on every platform, and such that a network of them computes
// something: activations stay finite, and two inputs have two answers.
//
// Platforms differ in whether they fuse a multiplication with an addition, so
// floats are never added here. A weight is an integer, converted and multiplied
// once, and both steps are rounded exactly by IEEE 754.
package seeded

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"strings"
)

// unit is what 1 is in the integers that weights are made of.
const unit = 1 << 24

// Tensor writes a tensor's values to w, as little-endian 32-bit floats. They
// depend on its name, its shape and the seed, and on nothing else.
func Tensor(w io.Writer, name string, shape []int64, seed uint64) error {
	rows, cols := int64(1), int64(1)
	for i, d := range shape {
		if d <= 0 {
			return fmt.Errorf("seed tensor %q: shape %v", name, shape)
		}
		if i == 0 {
			rows = d
		} else {
			cols *= d
		}
	}
	src := &source{state: seed ^ nameHash(name)}
	if len(shape) < 2 {
		return write(w, vector(name), 1, rows, src)
	}
	return write(w, matrix(name, shape, cols), rows, cols, src)
}

func nameHash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name)) // a hash's Write returns no error
	return h.Sum64()
}

func write(w io.Writer, r row, rows, cols int64, src *source) error {
	buf, values, bytes := bufio.NewWriterSize(w, 1<<20), make([]int64, cols), make([]byte, 4*cols)
	for range rows {
		scale := r.fill(values, src)
		for i, v := range values {
			binary.LittleEndian.PutUint32(bytes[4*i:], math.Float32bits(float32(v)*scale))
		}
		if _, err := buf.Write(bytes); err != nil {
			return err
		}
	}
	return buf.Flush()
}

// row makes the integers of one row (the weights of one output) and says what
// they are multiplied with.
type row interface {
	fill(values []int64, src *source) (scale float32)
}

// spread is uniform between two numbers, given in units.
type spread struct{ low, span int64 }

func (s spread) fill(values []int64, src *source) float32 {
	for i := range values {
		values[i] = s.low + s.span*src.next()/unit
	}
	return 1.0 / unit
}

// vector is for the one-dimensional tensors, by what they are called: near one
// what multiplies, near zero what is added. None is exactly that, so that a
// server which swaps or forgets one gives a wrong answer.
func vector(name string) row {
	switch {
	case strings.HasSuffix(name, ".bn3.weight"):
		// Of ResNet-50's residual branches. At full strength sixteen of them make
		// the network chaotic: a picture decoded with other rounding gets another
		// class. At a quarter the logits move by 1 %, and still differ by picture.
		return spread{low: unit * 2 / 10, span: unit / 10}
	case strings.HasSuffix(name, ".weight"), strings.HasSuffix(name, "running_var"):
		return spread{low: unit * 8 / 10, span: unit * 4 / 10}
	case strings.HasSuffix(name, "running_mean"):
		return spread{low: -unit / 10, span: unit / 5}
	}
	return spread{low: -unit / 20, span: unit / 10}
}

// uniform has mean zero and the variance that keeps a layer's output as large
// as its input.
type uniform struct {
	scale    float32
	centered bool
}

func (u uniform) fill(values []int64, src *source) float32 {
	sum := int64(0)
	for i := range values {
		values[i] = 2*src.next() - unit
		sum += values[i]
	}
	if u.centered {
		mean := sum / int64(len(values))
		for i := range values {
			values[i] -= mean
		}
	}
	return u.scale
}

// matrix is for what multiplies many inputs (cols of them) into one output.
//
// Behind a rectifier all inputs are positive, and what they share drowns what
// sets two pictures apart: after fifty random layers every picture has one
// class. Weights that sum to zero over an output's inputs take the shared part
// out again at each layer, as trained normalisation does.
func matrix(name string, shape []int64, cols int64) row {
	gain, centered := 1.0, false
	switch {
	case isDecoderTable(name):
		// The table is the head, too: this gives logits a spread of 3, as training
		// does, so that the first choice is seldom as good as the second.
		gain = 9
	case strings.HasPrefix(name, "h."): // GPT-2's are [in, out]
		gain = float64(cols) / float64(shape[0])
	case strings.Contains(name, "word_embeddings"):
		gain = float64(cols) // looked up, not summed: variance 1
	case strings.Contains(name, "embeddings"):
		gain = float64(cols) / 20
	case strings.Contains(name, "relative_attention_bias"):
		gain = float64(cols) / 4
	case len(shape) == 4:
		gain = 2                 // a rectifier takes half of it away
		centered = shape[1] != 3 // not the first layer's: a picture may be one colour
	case strings.HasSuffix(name, "_fc.weight"):
		gain, centered = 16, true // narrow bottlenecks leave little variance for the last layer
	case strings.HasSuffix(name, "fc.weight"):
		centered = true
	}
	bound := math.Sqrt(3 * gain / float64(cols)) // of a uniform distribution with variance gain/cols
	return uniform{scale: float32(bound / unit), centered: centered}
}

// isDecoderTable tells a decoder's tables of tokens and positions.
func isDecoderTable(name string) bool {
	for _, part := range []string{"wte.", "wpe.", "embed_tokens.", "embed_positions."} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// source is SplitMix64, after Steele, Lea and Flood (2014).
type source struct{ state uint64 }

// next is uniform in [0, unit).
func (s *source) next() int64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int64((z ^ z>>31) >> 40)
}
