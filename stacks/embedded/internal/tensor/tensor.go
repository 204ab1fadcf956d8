// Package tensor holds the arrays that travel between wire and model, and
// their little-endian raw form of the Open Inference Protocol.
package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// Type is an element type, spelt as the protocol spells it.
type Type string

const (
	FP32  Type = "FP32"
	INT64 Type = "INT64"
	BYTES Type = "BYTES"
)

// maxElements bounds a shape's product: no request within the size limit of
// the transports has more.
const maxElements = 1 << 28

// Tensor is a dense array in row-major order. Exactly the slice of its type is
// set, with as many elements as the shape says.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int64
	F32   []float32
	I64   []int64
	Bytes [][]byte
}

// Rows is the first dimension: the items of a batch.
func (t Tensor) Rows() int {
	if len(t.Shape) == 0 {
		return 0
	}
	return int(t.Shape[0])
}

// Elements is the product of a shape, or an error when a dimension is negative
// or the product is beyond any request's size.
func Elements(shape []int64) (int, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > maxElements {
			return 0, fmt.Errorf("shape %v has a dimension out of range", shape)
		}
		if n *= d; n > maxElements {
			return 0, fmt.Errorf("shape %v has too many elements", shape)
		}
	}
	return int(n), nil
}

// Length is the number of elements that t holds, whatever its shape says.
func (t Tensor) Length() int {
	switch t.Type {
	case FP32:
		return len(t.F32)
	case INT64:
		return len(t.I64)
	default:
		return len(t.Bytes)
	}
}

// FromRaw returns a tensor that reads raw, the protocol's binary form. Numbers
// are not copied when raw is aligned for them and the machine is little-endian,
// so raw must not change afterwards.
func FromRaw(name string, typ Type, shape []int64, raw []byte) (Tensor, error) {
	t := Tensor{Name: name, Type: typ, Shape: shape}
	n, err := Elements(shape)
	if err != nil {
		return t, err
	}
	switch typ {
	case FP32:
		if len(raw) != 4*n {
			return t, fmt.Errorf("%d bytes of data, but shape %v of FP32 needs %d", len(raw), shape, 4*n)
		}
		t.F32 = floats(raw)
	case INT64:
		if len(raw) != 8*n {
			return t, fmt.Errorf("%d bytes of data, but shape %v of INT64 needs %d", len(raw), shape, 8*n)
		}
		t.I64 = integers(raw)
	case BYTES:
		if t.Bytes, err = elements(raw, n); err != nil {
			return t, err
		}
	default:
		return t, fmt.Errorf("datatype %q is not supported", typ)
	}
	return t, nil
}

// littleEndian says that numbers lie in memory as they do on the wire.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// readable says whether raw can be read in place as numbers of that size.
func readable(raw []byte, size uintptr) bool {
	return littleEndian() && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%size == 0
}

func floats(raw []byte) []float32 {
	n := len(raw) / 4
	if n > 0 && readable(raw, 4) {
		return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(raw))), n)
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

func integers(raw []byte) []int64 {
	n := len(raw) / 8
	if n > 0 && readable(raw, 8) {
		return unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(raw))), n)
	}
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out
}

// elements splits n byte strings, each after its length in four bytes.
func elements(raw []byte, n int) ([][]byte, error) {
	if n > len(raw)/4 {
		return nil, fmt.Errorf("%d bytes of data cannot hold %d BYTES elements", len(raw), n)
	}
	out := make([][]byte, 0, n)
	for i := range n {
		if len(raw) < 4 {
			return nil, fmt.Errorf("the data ends before the length of BYTES element %d", i)
		}
		size := binary.LittleEndian.Uint32(raw)
		raw = raw[4:]
		if uint64(size) > uint64(len(raw)) {
			return nil, fmt.Errorf("BYTES element %d is said to have %d bytes, but %d are left", i, size, len(raw))
		}
		out = append(out, raw[:size:size])
		raw = raw[size:]
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes are left after the last of %d BYTES elements", len(raw), n)
	}
	return out, nil
}

// AppendRaw appends the protocol's binary form of t to dst.
func (t Tensor) AppendRaw(dst []byte) []byte {
	switch t.Type {
	case FP32:
		for _, v := range t.F32 {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
		}
	case INT64:
		for _, v := range t.I64 {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
		}
	default:
		for _, b := range t.Bytes {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
			dst = append(dst, b...)
		}
	}
	return dst
}
