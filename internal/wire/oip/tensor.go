// Package oip speaks the Open Inference Protocol v2 (KServe's and Triton's):
// over REST with JSON tensors or the binary tensor extension, and over gRPC
// with raw contents. Requests are encoded before they are due; answers are
// decoded after the window from the bytes that were kept.
package oip

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Datatypes that the helpers of this package build and read; others pass
// through as raw bytes.
const (
	FP32  = "FP32"
	INT64 = "INT64"
	BYTES = "BYTES"
)

// Tensor is one input or output.
type Tensor struct {
	Name     string
	Datatype string
	Shape    []int64
	Data     []byte // row-major, little-endian; an element of BYTES is its length in four bytes, then itself
}

// NewFP32 builds a tensor from values in row-major order.
func NewFP32(name string, shape []int64, values []float32) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return Tensor{Name: name, Datatype: FP32, Shape: shape, Data: data}
}

// NewINT64 builds a tensor from values in row-major order.
func NewINT64(name string, shape []int64, values []int64) Tensor {
	data := make([]byte, 0, 8*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return Tensor{Name: name, Datatype: INT64, Shape: shape, Data: data}
}

// NewBYTES builds a tensor from elements in row-major order: images or texts.
func NewBYTES(name string, shape []int64, elements [][]byte) Tensor {
	size := 0
	for _, e := range elements {
		size += 4 + len(e)
	}
	data := make([]byte, 0, size)
	for _, e := range elements {
		data = append(binary.LittleEndian.AppendUint32(data, uint32(len(e))), e...)
	}
	return Tensor{Name: name, Datatype: BYTES, Shape: shape, Data: data}
}

// Float32s returns the values of an FP32 tensor.
func (t Tensor) Float32s() ([]float32, error) {
	if err := t.want(FP32); err != nil {
		return nil, err
	}
	values := make([]float32, len(t.Data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return values, nil
}

// Int64s returns the values of an INT64 tensor.
func (t Tensor) Int64s() ([]int64, error) {
	if err := t.want(INT64); err != nil {
		return nil, err
	}
	values := make([]int64, len(t.Data)/8)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return values, nil
}

// Elements returns the elements of a BYTES tensor; they share its memory.
func (t Tensor) Elements() ([][]byte, error) {
	if err := t.want(BYTES); err != nil {
		return nil, err
	}
	return t.elements()
}

func (t Tensor) want(datatype string) error {
	if t.Datatype != datatype {
		return fmt.Errorf("tensor %q is %s, not %s", t.Name, t.Datatype, datatype)
	}
	return t.Validate()
}

func (t Tensor) elements() ([][]byte, error) {
	var all [][]byte
	for b := t.Data; len(b) > 0; {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, fmt.Errorf("tensor %q: element %d of BYTES is cut off", t.Name, len(all))
		}
		end := 4 + int(binary.LittleEndian.Uint32(b))
		all = append(all, b[4:end:end])
		b = b[end:]
	}
	return all, nil
}

// Validate checks that the data are as long as shape and datatype say, and that
// there are any.
func (t Tensor) Validate() error {
	count, err := t.count()
	if err != nil {
		return err
	}
	if len(t.Data) == 0 || count == 0 {
		return fmt.Errorf("tensor %q is empty (shape %v, %d bytes): "+
			"a Triton Python backend with numpy 2 answers so, it needs numpy<2", t.Name, t.Shape, len(t.Data))
	}
	if t.Datatype == BYTES {
		all, err := t.elements()
		if err != nil {
			return err
		}
		if int64(len(all)) != count {
			return fmt.Errorf("tensor %q of shape %v holds %d elements, not %d", t.Name, t.Shape, len(all), count)
		}
		return nil
	}
	size := width(t.Datatype)
	if size == 0 {
		return fmt.Errorf("tensor %q has the unknown datatype %.20q", t.Name, t.Datatype)
	}
	if int64(len(t.Data)) != count*size {
		return fmt.Errorf("tensor %q of shape %v and datatype %s is %d bytes long, not %d",
			t.Name, t.Shape, t.Datatype, len(t.Data), count*size)
	}
	return nil
}

// maxElements keeps a product of dimensions from overflowing: more elements
// than any message carries.
const maxElements = 1 << 31

// count is the number of elements that the shape says.
func (t Tensor) count() (int64, error) {
	n := int64(1)
	for _, d := range t.Shape {
		if d < 0 || d > maxElements {
			return 0, fmt.Errorf("tensor %q: %v is not the shape of data", t.Name, t.Shape)
		}
		if n *= d; n > maxElements {
			return 0, fmt.Errorf("tensor %q: the shape %v is too large", t.Name, t.Shape)
		}
	}
	return n, nil
}

// width is the size of an element in bytes; 0 for BYTES and unknown datatypes.
func width(datatype string) int64 {
	switch datatype {
	case "BOOL", "INT8", "UINT8":
		return 1
	case "INT16", "UINT16", "FP16", "BF16":
		return 2
	case "INT32", "UINT32", FP32:
		return 4
	case INT64, "UINT64", "FP64":
		return 8
	}
	return 0
}

// Request asks a model for outputs.
type Request struct {
	Model   string
	Inputs  []Tensor
	Outputs []string // empty: all
}

func (r Request) validate() error {
	if r.Model == "" || len(r.Inputs) == 0 {
		return fmt.Errorf("encode oip request: it needs a model and an input")
	}
	for _, t := range r.Inputs {
		if err := t.Validate(); err != nil {
			return fmt.Errorf("encode oip request: %w", err)
		}
	}
	return nil
}
