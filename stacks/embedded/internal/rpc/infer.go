package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc/status"

	"stackbench/internal/oippb"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/oip"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/tensor"
)

// ModelInfer answers one inference request. Outputs are raw.
func (a *API) ModelInfer(ctx context.Context, r *oippb.ModelInferRequest) (*oippb.ModelInferResponse, error) {
	reply, err := a.infer(ctx, r)
	if err != nil {
		a.metrics.Answered(fault.KindOf(err).Status())
		return nil, toStatus(err)
	}
	a.metrics.Answered(http.StatusOK)
	return reply, nil
}

// ModelStreamInfer answers the requests of a stream one after the other, of a
// model that generates text by many messages. A request that fails is answered
// by a message that says so, and the stream goes on; see generate for text.
func (a *API) ModelStreamInfer(s tokenStream) error {
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if svc, err := a.current(); err == nil && svc.Specs()[0].Generates() {
			if err := a.generate(s, r); err != nil {
				return err
			}
			continue
		}
		answer := &oippb.ModelStreamInferResponse{}
		if answer.InferResponse, err = a.ModelInfer(s.Context(), r); err != nil {
			answer.ErrorMessage = status.Convert(err).Message()
		}
		if err := s.Send(answer); err != nil {
			return err
		}
	}
}

// inferrer is a model that answers the tensors of one of its names by a tensor.
type inferrer interface {
	Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error)
}

func (a *API) infer(ctx context.Context, r *oippb.ModelInferRequest) (*oippb.ModelInferResponse, error) {
	s, spec, err := a.find(r.ModelName, r.ModelVersion)
	if err != nil {
		return nil, err
	}
	if err := spec.Inferable(); err != nil {
		return nil, err
	}
	name := spec.Outputs[0].Name
	for _, o := range r.Outputs {
		if o.Name != name {
			return nil, fault.New(fault.Invalid, "there is no output %q, only %q", o.Name, name)
		}
	}
	inputs, err := parse(r)
	if err != nil {
		return nil, err
	}
	model, err := service.As[inferrer](s, "compute tensors")
	if err != nil {
		return nil, err
	}
	output, err := model.Infer(ctx, spec.Name, inputs)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	raw := output.AppendRaw(make([]byte, 0, 4*len(output.F32)))
	a.metrics.Postprocessed(time.Since(start))
	return &oippb.ModelInferResponse{
		ModelName: spec.Name, ModelVersion: oip.Version, Id: r.Id,
		Outputs:           []*oippb.ModelInferResponse_InferOutputTensor{{Name: name, Datatype: string(tensor.FP32), Shape: output.Shape}},
		RawOutputContents: [][]byte{raw},
	}, nil
}

// parse reads a request's inputs, which are all raw or all typed.
func parse(r *oippb.ModelInferRequest) ([]tensor.Tensor, error) {
	raw := len(r.RawInputContents) > 0
	if raw && len(r.RawInputContents) != len(r.Inputs) {
		return nil, fault.New(fault.Invalid, "%d raw_input_contents for %d inputs", len(r.RawInputContents), len(r.Inputs))
	}
	inputs := make([]tensor.Tensor, len(r.Inputs))
	for i, in := range r.Inputs {
		var err error
		switch {
		case !raw:
			inputs[i], err = typed(in)
		case in.Contents != nil:
			err = fault.New(fault.Invalid, "it has contents beside raw_input_contents")
		default:
			inputs[i], err = tensor.FromRaw(in.Name, tensor.Type(in.Datatype), in.Shape, r.RawInputContents[i])
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "input %q: %v", in.Name, err)
		}
	}
	return inputs, nil
}

func typed(in *oippb.ModelInferRequest_InferInputTensor) (tensor.Tensor, error) {
	t := tensor.Tensor{Name: in.Name, Type: tensor.Type(in.Datatype), Shape: in.Shape}
	n, err := tensor.Elements(in.Shape)
	if err != nil {
		return t, err
	}
	switch t.Type {
	case tensor.FP32:
		t.F32 = in.Contents.GetFp32Contents()
	case tensor.INT64:
		t.I64 = in.Contents.GetInt64Contents()
	case tensor.BYTES:
		t.Bytes = in.Contents.GetBytesContents()
	default:
		return t, fault.New(fault.Invalid, "datatype %q is not supported", t.Type)
	}
	if t.Length() != n {
		return t, fault.New(fault.Invalid, "%d elements of contents, but the shape %v has %d", t.Length(), t.Shape, n)
	}
	return t, nil
}
