package oip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// binaryHeader carries the length of the JSON in front of binary tensors.
const binaryHeader = "Inference-Header-Content-Length"

// The JSON of requests and answers. Raw data stay raw until their datatype is
// known.
type message struct {
	Model   string       `json:"model_name,omitempty"`
	Inputs  []jsonTensor `json:"inputs,omitempty"`
	Outputs []jsonTensor `json:"outputs,omitempty"`
	Options *parameters  `json:"parameters,omitempty"`
}

type jsonTensor struct {
	Name       string          `json:"name"`
	Datatype   string          `json:"datatype,omitempty"`
	Shape      []int64         `json:"shape,omitempty"`
	Parameters *parameters     `json:"parameters,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

type parameters struct {
	Size         *int64 `json:"binary_data_size,omitempty"`
	Binary       *bool  `json:"binary_data,omitempty"`
	BinaryOutput *bool  `json:"binary_data_output,omitempty"`
}

// EncodeREST builds POST /v2/models/M/infer, with the binary tensor extension
// both ways: JSON cannot carry BYTES that are not UTF-8, so no images.
func EncodeREST(r Request) (http1.Request, error) {
	if err := r.validate(); err != nil {
		return http1.Request{}, err
	}
	q := http1.Request{Method: "POST", Path: "/v2/models/" + url.PathEscape(r.Model) + "/infer"}
	m, tail := r.message()
	head, err := json.Marshal(m)
	if err != nil {
		return q, fmt.Errorf("encode oip request: %w", err)
	}
	q.Header = []http1.Field{
		{Name: "Content-Type", Value: "application/octet-stream"},
		{Name: binaryHeader, Value: strconv.Itoa(len(head))},
	}
	q.Body = bytes.Join(append([][]byte{head}, tail...), nil)
	return q, nil
}

// message is the request's JSON, and the binary tensors behind it.
func (r Request) message() (m message, tail [][]byte) {
	yes := true
	for _, t := range r.Inputs {
		size := int64(len(t.Data))
		m.Inputs = append(m.Inputs, jsonTensor{Name: t.Name, Datatype: t.Datatype, Shape: t.Shape, Parameters: &parameters{Size: &size}})
		tail = append(tail, t.Data)
	}
	for _, name := range r.Outputs {
		m.Outputs = append(m.Outputs, jsonTensor{Name: name, Parameters: &parameters{Binary: &yes}})
	}
	if len(r.Outputs) == 0 {
		m.Options = &parameters{BinaryOutput: &yes}
	}
	return m, tail
}

// DecodeREST reads the outputs out of a kept answer, whichever form it has.
func DecodeREST(a record.Answer) ([]Tensor, error) {
	head, tail, err := split(a)
	if err != nil {
		return nil, fmt.Errorf("decode oip answer: %w", err)
	}
	var m message
	if err := json.Unmarshal(head, &m); err != nil {
		return nil, fmt.Errorf("decode oip answer: the body is not the protocol's JSON (it begins with %.60q): %w", a.Body, err)
	}
	if len(m.Outputs) == 0 {
		return nil, fmt.Errorf("decode oip answer: there are no outputs in %.60q", a.Body)
	}
	outputs := make([]Tensor, len(m.Outputs))
	for i, j := range m.Outputs {
		if outputs[i], tail, err = j.tensor(tail); err != nil {
			return nil, fmt.Errorf("decode oip answer: %w", err)
		}
	}
	if len(tail) > 0 {
		return nil, fmt.Errorf("decode oip answer: %d bytes belong to no output", len(tail))
	}
	return outputs, nil
}

// split parts the body into JSON and binary data.
func split(a record.Answer) (head, tail []byte, err error) {
	value, ok := http1.Value(a.Head, "inference-header-content-length")
	if !ok {
		return a.Body, nil, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > len(a.Body) {
		return nil, nil, fmt.Errorf("%s %.40q does not fit a body of %d bytes", binaryHeader, value, len(a.Body))
	}
	return a.Body[:n], a.Body[n:], nil
}

// tensor takes its data out of its own JSON or off the front of tail.
func (j jsonTensor) tensor(tail []byte) (Tensor, []byte, error) {
	t := Tensor{Name: j.Name, Datatype: j.Datatype, Shape: j.Shape}
	if j.Parameters != nil && j.Parameters.Size != nil {
		n := *j.Parameters.Size
		if n < 0 || n > int64(len(tail)) {
			return t, nil, fmt.Errorf("tensor %q: binary_data_size %d does not fit the %d bytes left", j.Name, n, len(tail))
		}
		t.Data, tail = tail[:n:n], tail[n:]
		return t, tail, t.Validate()
	}
	if len(j.Data) == 0 {
		return t, nil, fmt.Errorf("tensor %q has neither data nor binary_data_size", j.Name)
	}
	var err error
	if t.Data, err = fromJSON(j.Data, j.Datatype); err != nil {
		return t, nil, fmt.Errorf("tensor %q: %w", j.Name, err)
	}
	return t, tail, t.Validate()
}
