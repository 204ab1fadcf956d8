// Package safetensors reads safetensors files and writes their headers: eight
// bytes of its length, a JSON object that says where each tensor lies, and the
// tensors' bytes behind it, little-endian and without gaps.
// The format: https://github.com/huggingface/safetensors#format.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Tensor says what one tensor is and where its bytes lie.
type Tensor struct {
	Name  string
	DType string // as the format spells it: F32, I64, …
	Shape []int64
	Start int64 // of its first byte in the file
	Size  int64 // bytes
}

// File is what a file's header says.
type File struct {
	Tensors  []Tensor // by their place
	Metadata map[string]string
}

// maxHeader is the format's own limit; it bounds what a damaged length makes us read.
const maxHeader = 100_000_000

// entry is a tensor in the JSON object.
type entry struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"` // begin and end, from the end of the header
}

const metadataKey = "__metadata__"

// Read gives the header of a file of that many bytes. It fails when the tensors
// do not fill the file exactly, as in half a download.
func Read(r io.ReaderAt, size int64) (File, error) {
	var length [8]byte
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return File{}, fmt.Errorf("safetensors: no header length: %w", noEOF(err))
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return File{}, fmt.Errorf("safetensors: header of %d bytes in a file of %d", n, size)
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil {
		return File{}, fmt.Errorf("safetensors: read header: %w", noEOF(err))
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(header, &raw); err != nil {
		return File{}, fmt.Errorf("safetensors: header: %w", err)
	}
	f := File{Tensors: make([]Tensor, 0, len(raw))}
	for name, data := range raw {
		if name == metadataKey {
			if err := json.Unmarshal(data, &f.Metadata); err != nil {
				return File{}, fmt.Errorf("safetensors: metadata: %w", err)
			}
			continue
		}
		t, err := parse(name, data, 8+int64(n))
		if err != nil {
			return File{}, err
		}
		f.Tensors = append(f.Tensors, t)
	}
	return f, fill(f.Tensors, 8+int64(n), size)
}

// Floats reads the values of a tensor of 32-bit floats.
func Floats(r io.ReaderAt, t Tensor) ([]float32, error) {
	if t.DType != "F32" {
		return nil, fmt.Errorf("safetensors: tensor %q holds %s, not F32", t.Name, t.DType)
	}
	data := make([]byte, t.Size)
	if _, err := r.ReadAt(data, t.Start); err != nil && t.Size > 0 {
		return nil, fmt.Errorf("safetensors: read tensor %q: %w", t.Name, noEOF(err))
	}
	values := make([]float32, t.Size/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values, nil
}

// noEOF keeps a short file from looking like the orderly end of one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fill sorts tensors and checks that they cover the bytes from start to end.
func fill(tensors []Tensor, start, end int64) error {
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	for _, t := range tensors {
		if t.Start != start {
			return fmt.Errorf("safetensors: tensor %q starts at byte %d, not %d", t.Name, t.Start, start)
		}
		start += t.Size
	}
	if start != end {
		return fmt.Errorf("safetensors: tensors end at byte %d of %d", start, end)
	}
	return nil
}

func parse(name string, data json.RawMessage, base int64) (Tensor, error) {
	var e entry
	if err := json.Unmarshal(data, &e); err != nil {
		return Tensor{}, fmt.Errorf("safetensors: tensor %q: %w", name, err)
	}
	size, err := bytesOf(e.DType, e.Shape)
	if err != nil {
		return Tensor{}, fmt.Errorf("safetensors: tensor %q: %w", name, err)
	}
	if len(e.Offsets) != 2 {
		return Tensor{}, fmt.Errorf("safetensors: tensor %q has %d offsets", name, len(e.Offsets))
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if begin < 0 || end < begin || begin > math.MaxInt64-base || end-begin != size {
		return Tensor{}, fmt.Errorf("safetensors: tensor %q of %d bytes is said to lie at %d to %d", name, size, begin, end)
	}
	return Tensor{Name: name, DType: e.DType, Shape: e.Shape, Start: base + begin, Size: size}, nil
}

// bytesOf is the size of a tensor.
func bytesOf(dtype string, shape []int64) (int64, error) {
	width, ok := map[string]int64{
		"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
		"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
	}[dtype]
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q", dtype)
	}
	size := width
	for _, d := range shape {
		if d < 0 || d > 0 && size > math.MaxInt64/d {
			return 0, fmt.Errorf("shape %v", shape)
		}
		size *= d
	}
	return size, nil
}

// Header lays tensors out one behind the other in the order given, whatever
// their Start and Size say, and gives the bytes before them, padded to a
// multiple of eight, and the tensors with Start and Size set.
func Header(tensors []Tensor, metadata map[string]string) ([]byte, []Tensor, error) {
	var b bytes.Buffer
	b.WriteString("{")
	if len(metadata) > 0 {
		if err := field(&b, metadataKey, metadata); err != nil {
			return nil, nil, err
		}
	}
	placed, at := slices.Clone(tensors), int64(0)
	for i, t := range tensors {
		size, err := bytesOf(t.DType, t.Shape)
		if err != nil || t.Name == metadataKey {
			return nil, nil, fmt.Errorf("safetensors: write tensor %q: %w", t.Name, err)
		}
		if err := field(&b, t.Name, entry{DType: t.DType, Shape: t.Shape, Offsets: []int64{at, at + size}}); err != nil {
			return nil, nil, err
		}
		placed[i].Start, placed[i].Size = at, size
		at += size
	}
	b.WriteString("}")
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	header := binary.LittleEndian.AppendUint64(nil, uint64(b.Len()))
	header = append(header, b.Bytes()...)
	for i := range placed {
		placed[i].Start += int64(len(header))
	}
	return header, placed, nil
}

func field[T any](b *bytes.Buffer, name string, value T) error {
	if b.Len() > 1 {
		b.WriteByte(',')
	}
	key, err := json.Marshal(name)
	if err != nil {
		return err
	}
	val, err := json.Marshal(value)
	if err != nil {
		return err
	}
	b.Write(key)
	b.WriteByte(':')
	b.Write(val)
	return nil
}
