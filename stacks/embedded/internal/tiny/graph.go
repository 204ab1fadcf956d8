package tiny

import (
	"encoding/binary"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The element types of ONNX that the graphs use.
const (
	float  = 1
	int64s = 7
)

// message is a protobuf message under construction: the few fields of
// onnx.proto that a graph needs, by number.
type message []byte

func (m *message) number(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) text(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

// attribute is an integer attribute of a node.
type attribute struct {
	name  string
	value int64
}

// node is a NodeProto.
func node(op string, inputs []string, output string, attributes ...attribute) message {
	var n message
	for _, in := range inputs {
		n.text(1, in)
	}
	n.text(2, output)
	n.text(4, op)
	for _, a := range attributes {
		var m message
		m.text(1, a.name)
		m.number(3, a.value)
		m.number(20, 2) // type INT
		n.bytes(5, m)
	}
	return n
}

// axis is an initialiser of one INT64 that lies in the graph itself.
func axis(name string, v int64) message {
	var t message
	t.number(1, 1)
	t.number(2, int64s)
	t.text(8, name)
	t.bytes(9, binary.LittleEndian.AppendUint64(nil, uint64(v)))
	return t
}

// external is an initialiser that lies in the weights file.
func external(name string, shape []int64, offset, length int) message {
	var t message
	for _, d := range shape {
		t.number(1, d)
	}
	t.number(2, float)
	t.text(8, name)
	for _, kv := range [][2]string{
		{"location", "model.safetensors"}, {"offset", strconv.Itoa(offset)}, {"length", strconv.Itoa(length)},
	} {
		var entry message
		entry.text(1, kv[0])
		entry.text(2, kv[1])
		t.bytes(13, entry)
	}
	t.number(14, 1) // data_location EXTERNAL
	return t
}

// port is a ValueInfoProto; a dimension of -1 becomes a named one.
func port(name string, elem int64, shape []int64) message {
	var dims message
	for i, d := range shape {
		var dim message
		if d >= 0 {
			dim.number(1, d)
		} else {
			dim.text(2, "d"+strconv.Itoa(i))
		}
		dims.bytes(1, dim)
	}
	var tensor, typ, value message
	tensor.number(1, elem)
	tensor.bytes(2, dims)
	typ.bytes(1, tensor)
	value.text(1, name)
	value.bytes(2, typ)
	return value
}

// model is a ModelProto of opset 17.
func model(nodes, initialisers, inputs, outputs []message) message {
	var graph message
	for _, n := range nodes {
		graph.bytes(1, n)
	}
	graph.text(2, "tiny")
	for _, i := range initialisers {
		graph.bytes(5, i)
	}
	for _, p := range inputs {
		graph.bytes(11, p)
	}
	for _, p := range outputs {
		graph.bytes(12, p)
	}
	var opset, m message
	opset.text(1, "")
	opset.number(2, 17)
	m.number(1, 8)
	m.bytes(8, opset)
	m.bytes(7, graph)
	return m
}
