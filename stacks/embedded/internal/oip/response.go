package oip

import (
	"fmt"
	"strconv"

	"stackbench/stacks/embedded/internal/jsontext"
	"stackbench/stacks/embedded/internal/tensor"
)

// Version is the one version of every model that a server of ours has.
const Version = "1"

// CheckOutputs returns an error when r asks for another output than the model's.
func (r *Request) CheckOutputs(has string) error {
	for _, o := range r.Outputs {
		if o.Name != has {
			return fmt.Errorf("there is no output %q, only %q", o.Name, has)
		}
	}
	return nil
}

// Reply encodes the answer to r. The first jsonLength bytes are JSON; raw data
// follows when the request asked for it, and then jsonLength is less than the
// length. The error is a value that JSON cannot spell.
func (r *Request) Reply(model string, output tensor.Tensor) (body []byte, jsonLength int, err error) {
	binary := r.Binary
	for _, o := range r.Outputs {
		if o.Binary != nil {
			binary = *o.Binary
		}
	}
	size := 256 + 14*len(output.F32)
	if binary {
		size = 256 + 4*len(output.F32)
	}
	b := append(make([]byte, 0, size), `{"model_name":`...)
	b = jsontext.AppendString(b, model)
	b = append(b, `,"model_version":"`+Version+`"`...)
	if r.ID != "" {
		b = jsontext.AppendString(append(b, `,"id":`...), r.ID)
	}
	b = jsontext.AppendString(append(b, `,"outputs":[{"name":`...), output.Name)
	b = append(b, `,"datatype":"FP32","shape":[`...)
	for i, d := range output.Shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, d, 10)
	}
	if binary {
		b = strconv.AppendInt(append(b, `],"parameters":{"binary_data_size":`...), int64(4*len(output.F32)), 10)
		b = append(b, `}}]}`...)
		return output.AppendRaw(b), len(b), nil
	}
	b = append(b, `],"data":`...)
	if b, err = jsontext.AppendFloats(b, output.F32); err != nil {
		return nil, 0, err
	}
	b = append(b, `}]}`...)
	return b, len(b), nil
}
