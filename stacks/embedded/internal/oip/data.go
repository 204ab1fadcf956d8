package oip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"

	"stackbench/stacks/embedded/internal/tensor"
)

// fromJSON reads a JSON array, flat or nested, as a tensor. data is valid JSON.
func fromJSON(name string, typ tensor.Type, shape []int64, data json.RawMessage) (tensor.Tensor, error) {
	t := tensor.Tensor{Name: name, Type: typ, Shape: shape}
	n, err := tensor.Elements(shape)
	if err != nil {
		return t, err
	}
	if len(data) == 0 || data[0] != '[' {
		return t, fmt.Errorf("its data is not an array")
	}
	room := min(n, len(data)/2+1) // a shape cannot make us reserve more than was sent
	switch typ {
	case tensor.FP32:
		t.F32 = make([]float32, 0, room)
		for word := range words(data) {
			v, err := strconv.ParseFloat(string(word), 32)
			if err != nil {
				return t, misfit(word, typ)
			}
			t.F32 = append(t.F32, float32(v))
		}
	case tensor.INT64:
		t.I64 = make([]int64, 0, room)
		for word := range words(data) {
			v, err := strconv.ParseInt(string(word), 10, 64)
			if err != nil {
				return t, misfit(word, typ)
			}
			t.I64 = append(t.I64, v)
		}
	case tensor.BYTES:
		t.Bytes, err = byteStrings(data)
	default:
		err = fmt.Errorf("datatype %q is not supported", typ)
	}
	if err != nil {
		return t, err
	}
	if t.Length() != n {
		return t, fmt.Errorf("%d elements of data, but the shape %v has %d", t.Length(), shape, n)
	}
	return t, nil
}

// words yields what stands between the brackets and commas of a (nested)
// array: numbers, if it is one of numbers. encoding/json has no Go type for
// arrays of any depth, and takes twice as long for flat ones.
func words(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		start := -1
		for i, c := range data {
			switch c {
			case '[', ']', ',', ' ', '\t', '\r', '\n':
				if start >= 0 && !yield(data[start:i]) {
					return
				}
				start = -1
			default:
				if start < 0 {
					start = i
				}
			}
		}
	}
}

func misfit(word []byte, typ tensor.Type) error {
	return fmt.Errorf("its data has %.40q where a number of %s belongs", word, typ)
}

// byteStrings collects the strings of a (nested) array. They stand for
// themselves: the protocol has no base64 here.
func byteStrings(data []byte) ([][]byte, error) {
	var out [][]byte
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch v := token.(type) {
		case json.Delim:
			if v != '[' && v != ']' {
				return nil, fmt.Errorf("its data has an object where a string belongs")
			}
		case string:
			out = append(out, []byte(v))
		default:
			return nil, fmt.Errorf("its data has %v where a string belongs", v)
		}
	}
}
