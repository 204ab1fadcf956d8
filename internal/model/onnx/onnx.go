// Package onnx reads and rewrites one thing of an ONNX model: where the values
// of its initialisers lie outside the file. Messages and field numbers are
// those of onnx.proto3 (ModelProto, GraphProto, TensorProto).
package onnx

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Initializer is a tensor of the model whose values lie outside it.
type Initializer struct {
	Name     string
	DataType int32 // TensorProto.DataType; Float is 1
	Shape    []int64
}

// Float is the data type of 32-bit floats.
const Float = 1

// Place is where an initialiser's values lie.
type Place struct {
	File   string // beside the model
	Offset int64  // of the first byte
	Length int64  // bytes
}

// Fields of the messages on the way.
const (
	modelGraph       = 7
	graphInitializer = 5
	tensorDims       = 1
	tensorDataType   = 2
	tensorName       = 8
	tensorExternal   = 13
	tensorLocation   = 14
	entryKey         = 1
	entryValue       = 2

	locationExternal = 1
)

// Externals lists the external initialisers in the order of the model.
func Externals(model []byte) ([]Initializer, error) {
	var all []Initializer
	_, err := Patch(model, func(i Initializer) (Place, error) {
		all = append(all, i)
		return Place{}, nil
	})
	return all, err
}

// Patch gives a copy of the model whose external initialisers lie where place
// says; all else is copied byte for byte.
func Patch(model []byte, place func(Initializer) (Place, error)) ([]byte, error) {
	graphs := 0
	out, err := rewrite(model, modelGraph, func(graph []byte) ([]byte, error) {
		graphs++
		return rewrite(graph, graphInitializer, func(tensor []byte) ([]byte, error) {
			return patchTensor(tensor, place)
		})
	})
	if err == nil && graphs != 1 {
		err = fmt.Errorf("%d graphs", graphs)
	}
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return out, nil
}

// rewrite copies a message and lets change replace each value of one
// length-delimited field.
func rewrite(msg []byte, field protowire.Number, change func([]byte) ([]byte, error)) ([]byte, error) {
	out := make([]byte, 0, len(msg)+len(msg)/8)
	err := each(msg, func(num protowire.Number, typ protowire.Type, whole, value []byte) error {
		if num != field || typ != protowire.BytesType {
			out = append(out, whole...)
			return nil
		}
		changed, err := change(value)
		if err != nil {
			return err
		}
		out = protowire.AppendTag(out, num, typ)
		out = protowire.AppendBytes(out, changed)
		return nil
	})
	return out, err
}

// each walks the fields of a message. whole is the field with its tag; value is
// the content of a length-delimited field, and the raw value of any other.
func each(msg []byte, use func(num protowire.Number, typ protowire.Type, whole, value []byte) error) error {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return protowire.ParseError(n)
		}
		m := protowire.ConsumeFieldValue(num, typ, msg[n:])
		if m < 0 {
			return protowire.ParseError(m)
		}
		value := msg[n : n+m]
		if typ == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if err := use(num, typ, msg[:n+m], value); err != nil {
			return err
		}
		msg = msg[n+m:]
	}
	return nil
}

// patchTensor rewrites a TensorProto when its values are external.
func patchTensor(tensor []byte, place func(Initializer) (Place, error)) ([]byte, error) {
	var init Initializer
	external := false
	out := make([]byte, 0, len(tensor)+64)
	err := each(tensor, func(num protowire.Number, typ protowire.Type, whole, value []byte) error {
		if num == tensorExternal {
			return nil // replaced below
		}
		out = append(out, whole...)
		switch {
		case num == tensorName && typ == protowire.BytesType:
			init.Name = string(value)
		case num == tensorDims:
			dims, err := varints(typ, value)
			init.Shape = append(init.Shape, dims...)
			return err
		case num == tensorDataType && typ == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			init.DataType = int32(v)
		case num == tensorLocation && typ == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			external = v == locationExternal
		}
		return nil
	})
	if err != nil || !external {
		return tensor, err
	}
	at, err := place(init)
	if err != nil {
		return nil, fmt.Errorf("initializer %q: %w", init.Name, err)
	}
	out = appendEntry(out, "location", at.File)
	out = appendEntry(out, "offset", strconv.FormatInt(at.Offset, 10))
	return appendEntry(out, "length", strconv.FormatInt(at.Length, 10)), nil
}

// varints reads a repeated integer, packed or not.
func varints(typ protowire.Type, value []byte) ([]int64, error) {
	if typ != protowire.VarintType && typ != protowire.BytesType {
		return nil, errors.New("dims that are not integers")
	}
	var out []int64
	for len(value) > 0 {
		v, n := protowire.ConsumeVarint(value)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		out, value = append(out, int64(v)), value[n:]
	}
	return out, nil
}

func appendEntry(out []byte, key, value string) []byte {
	var e []byte
	e = protowire.AppendTag(e, entryKey, protowire.BytesType)
	e = protowire.AppendString(e, key)
	e = protowire.AppendTag(e, entryValue, protowire.BytesType)
	e = protowire.AppendString(e, value)
	out = protowire.AppendTag(out, tensorExternal, protowire.BytesType)
	return protowire.AppendBytes(out, e)
}
