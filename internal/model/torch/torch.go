// Package torch reads the tensors of a PyTorch state dict (.pth). The pickle is
// github.com/nlpodyssey/gopickle's to read; this package lays tensors out in
// row order, since a file may hold them in any (a reader that ignores strides
// gives a network that answers one class for everything).
package torch

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"
)

// Tensor is an array of 32-bit floats, the last dimension running fastest.
type Tensor struct {
	Shape []int64
	Data  []float32
}

// Read gives the 32-bit float tensors of a state dict by their names; tensors
// of other types are left out.
func Read(path string) (state map[string]Tensor, err error) {
	defer func() {
		// The library panics on pickles that it does not expect.
		if r := recover(); r != nil {
			err = fmt.Errorf("read %s: %v", path, r)
		}
	}()
	root, err := pytorch.LoadWithUnpickler(path, func(r io.Reader) pickle.Unpickler {
		u := pickle.NewUnpickler(r)
		u.FindClass = findClass
		return u
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	entries, err := dict(root)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	state = map[string]Tensor{}
	for name, value := range entries {
		t, ok := value.(*pytorch.Tensor)
		if !ok {
			return nil, fmt.Errorf("read %s: %v is no tensor", path, name)
		}
		storage, ok := t.Source.(*pytorch.FloatStorage)
		if !ok {
			continue
		}
		key, ok := name.(string)
		if !ok {
			return nil, fmt.Errorf("read %s: a tensor is named %v", path, name)
		}
		if state[key], err = rows(storage.Data, t.StorageOffset, t.Size, t.Stride); err != nil {
			return nil, fmt.Errorf("read %s: tensor %q: %w", path, key, err)
		}
	}
	return state, nil
}

// findClass adds what the library lacks: trained weights are often saved as parameters.
func findClass(module, name string) (any, error) {
	if module == "torch._utils" && name == "_rebuild_parameter" {
		return parameter{}, nil
	}
	return nil, fmt.Errorf("%s.%s does not belong in a state dict", module, name)
}

// parameter is PyTorch's function that wraps a tensor, its first argument.
type parameter struct{}

var _ types.Callable = parameter{}

func (parameter) Call(args ...any) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("a parameter without a tensor")
	}
	return args[0], nil
}

// dict walks the two kinds of dictionary that a state dict comes in.
func dict(root any) (iter.Seq2[any, any], error) {
	switch d := root.(type) {
	case *types.OrderedDict:
		return func(yield func(any, any) bool) {
			for e := d.List.Front(); e != nil; e = e.Next() {
				if kv, ok := e.Value.(*types.OrderedDictEntry); ok && !yield(kv.Key, kv.Value) {
					return
				}
			}
		}, nil
	case *types.Dict:
		return func(yield func(any, any) bool) {
			for _, e := range *d {
				if !yield(e.Key, e.Value) {
					return
				}
			}
		}, nil
	}
	return nil, fmt.Errorf("a %T is no state dict", root)
}

// rows copies a strided view into row order.
func rows(data []float32, offset int, shape, stride []int) (Tensor, error) {
	if len(shape) != len(stride) || offset < 0 {
		return Tensor{}, errors.New("shape, strides and offset do not fit together")
	}
	t, n, last := Tensor{Shape: make([]int64, len(shape))}, 1, offset
	for i, d := range shape {
		if d <= 0 || stride[i] < 0 || d > len(data) || stride[i] > len(data) || n > len(data)/d {
			return Tensor{}, fmt.Errorf("shape %v with strides %v in %d values", shape, stride, len(data))
		}
		t.Shape[i] = int64(d)
		n *= d
		last += (d - 1) * stride[i]
	}
	if last >= len(data) {
		return Tensor{}, fmt.Errorf("shape %v with strides %v from %d ends beyond %d values", shape, stride, offset, len(data))
	}
	t.Data = make([]float32, 0, n)
	index := make([]int, len(shape))
	for at := offset; len(t.Data) < n; {
		t.Data = append(t.Data, data[at])
		for i := len(shape) - 1; i >= 0; i-- {
			index[i]++
			at += stride[i]
			if index[i] < shape[i] {
				break
			}
			at -= index[i] * stride[i]
			index[i] = 0
		}
	}
	return t, nil
}
