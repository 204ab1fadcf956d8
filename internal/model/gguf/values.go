package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// block is how many values share a scale in the types that have one.
const block = 32

// count is the number of values, which the header must bound.
func (t Tensor) count() (int64, error) {
	n := int64(1)
	for _, d := range t.Shape {
		if d <= 0 || d > math.MaxInt32 || n > math.MaxInt32/d {
			return 0, fmt.Errorf("shape %v", t.Shape)
		}
		n *= d
	}
	return n, nil
}

// bytes is the size of the stored values.
func (t Tensor) bytes() (int64, error) {
	n, err := t.count()
	if err != nil {
		return 0, err
	}
	per := map[Type]int64{F32: 4 * block, Q4_1: 20, Q8_0: 34}[t.Type]
	if per == 0 {
		return 0, fmt.Errorf("values of ggml's type %d are not known here", t.Type)
	}
	if t.Type == F32 {
		return 4 * n, nil
	}
	if t.Shape[len(t.Shape)-1]%block != 0 {
		return 0, fmt.Errorf("rows of %v values are no blocks of %d", t.Shape, block)
	}
	return n / block * per, nil
}

// Floats reads a tensor's values as 32-bit floats, the last dimension of its
// shape running fastest.
func (f *File) Floats(t Tensor) ([]float32, error) {
	n, err := t.count()
	if err != nil {
		return nil, err
	}
	size, err := t.bytes()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, size)
	if _, err := f.at.ReadAt(raw, t.start); err != nil {
		return nil, fmt.Errorf("read tensor %q: %w", t.Name, err)
	}
	out := make([]float32, 0, n)
	switch t.Type {
	case Q4_1:
		for ; len(raw) > 0; raw = raw[20:] {
			out = appendQ4(out, raw[:20])
		}
	case Q8_0:
		for ; len(raw) > 0; raw = raw[34:] {
			out = appendQ8(out, raw[:34])
		}
	default:
		for ; len(raw) > 0; raw = raw[4:] {
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
	}
	return out, nil
}

// appendQ4 undoes a block of Q4_1: scale, minimum, then 16 bytes whose low
// halves are the first 16 values and whose high halves are the others.
func appendQ4(out []float32, b []byte) []float32 {
	scale, least := half(b), half(b[2:])
	for _, q := range b[4:] {
		out = append(out, float32(float32(q&15)*scale)+least) // rounded twice on every platform
	}
	for _, q := range b[4:] {
		out = append(out, float32(float32(q>>4)*scale)+least)
	}
	return out
}

// appendQ8 undoes a block of Q8_0: scale, then 32 signed bytes.
func appendQ8(out []float32, b []byte) []float32 {
	scale := half(b)
	for _, q := range b[2:] {
		out = append(out, float32(int8(q))*scale)
	}
	return out
}

// half is the 16-bit float at the start of b.
func half(b []byte) float32 {
	h := uint32(binary.LittleEndian.Uint16(b))
	sign, exp, frac := h>>15<<31, h>>10&31, h&1023
	switch exp {
	case 0: // zero, or too small for a leading one: a multiple of 2^-24
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
