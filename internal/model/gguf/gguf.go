// Package gguf reads the files of llama.cpp: a header, named values, and
// tensors, some of them in few bits. Of the many quantisations it knows those
// that the catalogue's models have. The libraries that read GGUF in Go bring
// half a model hub along and do not undo quantisation.
//
// Source: the GGUF specification, version 3; ggml's block_q4_1 and block_q8_0.
package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Limits of what a header may ask for, far above any real file's.
const (
	maxString = 1 << 20
	maxCount  = 1 << 22
	maxDims   = 4
)

// Type is how a tensor's values are stored, by ggml's number.
type Type uint32

const (
	F32  Type = 0
	Q4_1 Type = 3 //nolint:revive // the name it has everywhere
	Q8_0 Type = 8 //nolint:revive // the same
)

// Tensor says what a tensor is and where its values lie.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int64 // slowest dimension first, as everywhere but in GGUF
	start int64   // in the file
}

// File is an open GGUF file.
type File struct {
	Tensors []Tensor
	Texts   map[string]string   // values that are strings
	Lists   map[string][]string // values that are lists of strings
	Numbers map[string][]int64  // values that are lists of 32-bit integers

	at io.ReaderAt
}

// Read reads the header of a file of that many bytes. The tensors' values stay
// in the file and are read from at by Floats.
func Read(at io.ReaderAt, size int64) (*File, error) {
	h := &header{r: bufio.NewReader(io.NewSectionReader(at, 0, size)), alignment: 32}
	f := &File{Texts: map[string]string{}, Lists: map[string][]string{}, Numbers: map[string][]int64{}, at: at}
	if err := h.read(f); err != nil {
		return nil, fmt.Errorf("read GGUF: %w", err)
	}
	data := (h.n + h.alignment - 1) / h.alignment * h.alignment
	for i, t := range f.Tensors {
		n, err := t.bytes()
		if err != nil {
			return nil, fmt.Errorf("read GGUF: tensor %q: %w", t.Name, err)
		}
		if t.start < 0 || t.start > size-data-n {
			return nil, fmt.Errorf("read GGUF: tensor %q lies outside of the file", t.Name)
		}
		f.Tensors[i].start += data
	}
	return f, nil
}

// header reads little-endian values one after the other.
type header struct {
	r         *bufio.Reader
	n         int64
	alignment int64 // of the tensors' values: general.alignment
}

func (h *header) read(f *File) error {
	if magic := h.u32(); magic != 0x46554747 {
		return errors.New("no GGUF file")
	}
	if v := h.u32(); v != 3 {
		return fmt.Errorf("version %d, only 3 is known", v)
	}
	tensors, values := h.u64(), h.u64()
	if tensors > maxCount || values > maxCount {
		return fmt.Errorf("%d tensors and %d values are too many", tensors, values)
	}
	for range values {
		if err := h.value(f); err != nil {
			return err
		}
	}
	for range tensors {
		t, err := h.tensor()
		if err != nil {
			return err
		}
		f.Tensors = append(f.Tensors, t)
	}
	return nil
}

func (h *header) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(h.r, b)
	h.n += int64(n)
	return b, err
}

// u32 gives 0 at the end of the file, which no caller accepts.
func (h *header) u32() uint32 {
	b, err := h.bytes(4)
	if err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

func (h *header) u64() uint64 {
	b, err := h.bytes(8)
	if err != nil {
		return math.MaxUint64
	}
	return binary.LittleEndian.Uint64(b)
}

func (h *header) text() (string, error) {
	n := h.u64()
	if n > maxString {
		return "", errors.New("cut short, or a string without end")
	}
	b, err := h.bytes(int(n))
	return string(b), err
}

// The types of named values.
const (
	kindUint32, kindInt32 = 4, 5
	kindText, kindList    = 8, 9
)

// width is the size of the scalar types, by their numbers; 0 for the others.
func width(kind uint32) int {
	all := [...]int{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}
	if int64(kind) >= int64(len(all)) {
		return 0
	}
	return all[kind]
}

func (h *header) value(f *File) error {
	key, err := h.text()
	if err != nil {
		return err
	}
	switch kind := h.u32(); kind {
	case kindText:
		f.Texts[key], err = h.text()
	case kindList:
		err = h.list(f, key)
	default:
		if width(kind) == 0 {
			return fmt.Errorf("value %q is of an unknown type, %d", key, kind)
		}
		var b []byte
		if b, err = h.bytes(width(kind)); err == nil && key == "general.alignment" {
			return h.align(kind, b)
		}
	}
	return err
}

// align takes in where the tensors' values begin.
func (h *header) align(kind uint32, b []byte) error {
	if kind != kindUint32 {
		return fmt.Errorf("general.alignment is of type %d, not %d", kind, kindUint32)
	}
	h.alignment = int64(binary.LittleEndian.Uint32(b))
	if h.alignment < 1 || h.alignment > maxString {
		return fmt.Errorf("general.alignment is %d", h.alignment)
	}
	return nil
}

func (h *header) list(f *File, key string) error {
	kind, n := h.u32(), h.u64()
	if n > maxCount {
		return fmt.Errorf("list %q has %d entries, too many", key, n)
	}
	for range n {
		switch kind {
		case kindText:
			s, err := h.text()
			if err != nil {
				return err
			}
			f.Lists[key] = append(f.Lists[key], s)
		case kindUint32, kindInt32:
			b, err := h.bytes(4)
			if err != nil {
				return err
			}
			f.Numbers[key] = append(f.Numbers[key], int64(int32(binary.LittleEndian.Uint32(b))))
		default:
			if width(kind) == 0 {
				return fmt.Errorf("list %q is of an unknown type, %d", key, kind)
			}
			if _, err := h.bytes(width(kind)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *header) tensor() (Tensor, error) {
	var t Tensor
	var err error
	if t.Name, err = h.text(); err != nil {
		return t, err
	}
	dims := h.u32()
	if dims == 0 || dims > maxDims {
		return t, fmt.Errorf("tensor %q has %d dimensions", t.Name, dims)
	}
	for range dims {
		t.Shape = append(t.Shape, int64(h.u64()))
	}
	slices.Reverse(t.Shape)
	t.Type = Type(h.u32())
	t.start = int64(h.u64())
	return t, nil
}
