package oip

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"stackbench/internal/oippb"
	"stackbench/internal/record"
)

// EncodeGRPC builds a marshalled ModelInferRequest with raw contents.
func EncodeGRPC(r Request) ([]byte, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	m := &oippb.ModelInferRequest{ModelName: r.Model}
	for _, t := range r.Inputs {
		m.Inputs = append(m.Inputs, &oippb.ModelInferRequest_InferInputTensor{
			Name: t.Name, Datatype: t.Datatype, Shape: t.Shape,
		})
		m.RawInputContents = append(m.RawInputContents, t.Data)
	}
	for _, name := range r.Outputs {
		m.Outputs = append(m.Outputs, &oippb.ModelInferRequest_InferRequestedOutputTensor{Name: name})
	}
	b, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode oip request: %w", err)
	}
	return b, nil
}

// DecodeStream reads the outputs out of a kept ModelStreamInferResponse. An
// error of the server comes as a message of the stream, which goes on.
func DecodeStream(a record.Answer) ([]Tensor, error) {
	var m oippb.ModelStreamInferResponse
	if err := proto.Unmarshal(a.Body, &m); err != nil {
		return nil, fmt.Errorf("decode oip answer: the message is not a ModelStreamInferResponse (it begins with %.20q): %w", a.Body, err)
	}
	if m.ErrorMessage != "" {
		return nil, fmt.Errorf("decode oip answer: the server says: %s", m.ErrorMessage)
	}
	return outputsOf(m.GetInferResponse(), len(a.Body))
}

// DecodeGRPC reads the outputs out of a kept ModelInferResponse, with raw or
// typed contents.
func DecodeGRPC(a record.Answer) ([]Tensor, error) {
	var m oippb.ModelInferResponse
	if err := proto.Unmarshal(a.Body, &m); err != nil {
		return nil, fmt.Errorf("decode oip answer: the message is not a ModelInferResponse (it begins with %.20q): %w", a.Body, err)
	}
	return outputsOf(&m, len(a.Body))
}

// outputsOf are the tensors of a response in a message of that many bytes.
func outputsOf(m *oippb.ModelInferResponse, size int) ([]Tensor, error) {
	if len(m.GetOutputs()) == 0 {
		return nil, fmt.Errorf("decode oip answer: there are no outputs in a message of %d bytes", size)
	}
	if n := len(m.RawOutputContents); n > 0 && n != len(m.Outputs) {
		return nil, fmt.Errorf("decode oip answer: %d raw contents for %d outputs", n, len(m.Outputs))
	}
	outputs := make([]Tensor, len(m.Outputs))
	for i, o := range m.Outputs {
		t := Tensor{Name: o.GetName(), Datatype: o.GetDatatype(), Shape: o.GetShape()}
		if len(m.RawOutputContents) > 0 {
			t.Data = m.RawOutputContents[i]
		} else {
			t.Data = fromContents(o.GetContents(), t.Datatype)
		}
		if err := t.Validate(); err != nil {
			return nil, fmt.Errorf("decode oip answer: %w", err)
		}
		outputs[i] = t
	}
	return outputs, nil
}

// fromContents makes raw data of typed contents; contents of another datatype
// give none, which validation then names.
func fromContents(c *oippb.InferTensorContents, datatype string) []byte {
	var out []byte
	bits := int(8 * width(datatype))
	switch datatype {
	case FP32:
		for _, v := range c.GetFp32Contents() {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	case "FP64":
		for _, v := range c.GetFp64Contents() {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
	case "BOOL":
		for _, v := range c.GetBoolContents() {
			var b byte
			if v {
				b = 1
			}
			out = append(out, b)
		}
	case "INT8", "INT16", "INT32":
		for _, v := range c.GetIntContents() {
			out = appendInteger(out, uint64(v), bits)
		}
	case INT64:
		for _, v := range c.GetInt64Contents() {
			out = appendInteger(out, uint64(v), bits)
		}
	case "UINT8", "UINT16", "UINT32":
		for _, v := range c.GetUintContents() {
			out = appendInteger(out, uint64(v), bits)
		}
	case "UINT64":
		for _, v := range c.GetUint64Contents() {
			out = appendInteger(out, v, bits)
		}
	case BYTES:
		for _, v := range c.GetBytesContents() {
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(v))), v...)
		}
	}
	return out
}
