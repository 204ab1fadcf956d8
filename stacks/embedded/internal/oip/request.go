// Package oip is the REST form of the Open Inference Protocol v2: tensors as
// JSON, and as raw bytes behind a JSON header (the binary tensor extension).
package oip

import (
	"encoding/json"
	"fmt"

	"stackbench/stacks/embedded/internal/tensor"
)

// Request is a decoded inference request.
type Request struct {
	ID      string
	Inputs  []tensor.Tensor
	Outputs []Output // the outputs asked for; none means all
	Binary  bool     // outputs that do not say come back as raw bytes
}

// Output is one output that a request asks for.
type Output struct {
	Name   string
	Binary *bool // as raw bytes; nil: as the request says
}

// header is the JSON of a request, or its JSON part.
type header struct {
	ID         string `json:"id"`
	Parameters struct {
		BinaryOutput bool `json:"binary_data_output"`
	} `json:"parameters"`
	Inputs  []headerInput `json:"inputs"`
	Outputs []struct {
		Name       string `json:"name"`
		Parameters struct {
			Binary *bool `json:"binary_data"`
		} `json:"parameters"`
	} `json:"outputs"`
}

type headerInput struct {
	Name       string          `json:"name"`
	Datatype   tensor.Type     `json:"datatype"`
	Shape      []int64         `json:"shape"`
	Data       json.RawMessage `json:"data"`
	Parameters struct {
		BinarySize *int64 `json:"binary_data_size"`
	} `json:"parameters"`
}

// Parse decodes a request whose first jsonLength bytes are JSON; what follows
// is the raw data of the inputs that announce it, in their order. The request
// reads body, which must not change afterwards.
func Parse(body []byte, jsonLength int) (*Request, error) {
	if jsonLength < 0 || jsonLength > len(body) {
		return nil, fmt.Errorf("a JSON header of %d bytes in a body of %d", jsonLength, len(body))
	}
	var h header
	if err := json.Unmarshal(body[:jsonLength], &h); err != nil {
		return nil, fmt.Errorf("parse the request's JSON: %w", err)
	}
	r := &Request{ID: h.ID, Binary: h.Parameters.BinaryOutput}
	raw := body[jsonLength:]
	for _, in := range h.Inputs {
		t, rest, err := in.tensor(raw)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
		raw = rest
		r.Inputs = append(r.Inputs, t)
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last input's raw data", len(raw))
	}
	for _, o := range h.Outputs {
		r.Outputs = append(r.Outputs, Output{Name: o.Name, Binary: o.Parameters.Binary})
	}
	return r, nil
}

// tensor takes the input's own bytes off raw, or reads its JSON data.
func (in headerInput) tensor(raw []byte) (t tensor.Tensor, rest []byte, err error) {
	size := in.Parameters.BinarySize
	if size == nil {
		t, err = fromJSON(in.Name, in.Datatype, in.Shape, in.Data)
		return t, raw, err
	}
	if len(in.Data) > 0 {
		return t, nil, fmt.Errorf("it has both data and binary_data_size")
	}
	if *size < 0 || *size > int64(len(raw)) {
		return t, nil, fmt.Errorf("binary_data_size is %d, but %d bytes are left", *size, len(raw))
	}
	t, err = tensor.FromRaw(in.Name, in.Datatype, in.Shape, raw[:*size])
	return t, raw[*size:], err
}
