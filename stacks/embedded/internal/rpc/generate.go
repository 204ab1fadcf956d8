package rpc

import (
	"context"
	"encoding/binary"
	"net/http"
	"slices"

	"google.golang.org/grpc"

	"stackbench/internal/oippb"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/oip"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/tensor"
)

// tokenStream is the server's side of ModelStreamInfer.
type tokenStream = grpc.BidiStreamingServer[oippb.ModelInferRequest, oippb.ModelStreamInferResponse]

// generator is a model that gives the chunks of a text, each as soon as it is
// there. An error of give ends it.
type generator interface {
	Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error
}

// generate answers one request of a stream by a message a token. A request that
// is refused before its first token ends the call with a status, as unary calls
// do; one that fails later is answered by an error message, as Triton does, and
// the stream goes on.
func (a *API) generate(s tokenStream, r *oippb.ModelInferRequest) error {
	begun := false
	svc, _, err := a.find(r.ModelName, r.ModelVersion)
	var how delivery
	var request generation.Request
	if err == nil {
		how, request, err = parseGenerate(r)
	}
	var model generator
	if err == nil {
		model, err = service.As[generator](svc, "generate text")
	}
	if err == nil {
		whole := ""
		if !how.exclude {
			whole = request.Prompt
		}
		err = model.Generate(s.Context(), request, func(c generation.Chunk) error {
			if !how.stream {
				if whole += c.Text; c.Finish == "" {
					return nil
				}
				c.Text, c.Tokens = whole, c.Total
			}
			begun = true
			return s.Send(&oippb.ModelStreamInferResponse{InferResponse: how.message(r, c)})
		})
	}
	if err == nil {
		a.metrics.Answered(http.StatusOK)
		return nil
	}
	a.metrics.Answered(fault.KindOf(err).Status())
	if !begun {
		return toStatus(err)
	}
	return s.Send(&oippb.ModelStreamInferResponse{ErrorMessage: err.Error()})
}

// delivery is how an answer is to come.
type delivery struct {
	stream  bool
	exclude bool // the prompt is not put before the text
	returns map[string]bool
}

// parseGenerate reads the tensors of Triton's vLLM backend, with its defaults.
func parseGenerate(r *oippb.ModelInferRequest) (delivery, generation.Request, error) {
	d := delivery{returns: map[string]bool{service.TextOutput: true}}
	bad := func(err error) (delivery, generation.Request, error) { return d, generation.Request{}, err }
	texts, flags, err := generateInputs(r)
	if err != nil {
		return bad(err)
	}
	prompt, ok := texts[service.TextInput]
	if !ok {
		return bad(fault.New(fault.Invalid, "%s needs an input %q", r.ModelName, service.TextInput))
	}
	d.stream = flags[service.Stream]
	exclude, said := flags[service.ExcludeInput]
	if d.exclude = exclude || !said && d.stream; d.stream && !d.exclude {
		return bad(fault.New(fault.Invalid, "%s cannot be false where %s is true", service.ExcludeInput, service.Stream))
	}
	for _, name := range []string{service.FinishReason, service.PromptTokens, service.OutputTokens} {
		d.returns[name] = flags[service.ReturnsPrefix+name]
	}
	sampling := generation.Sampling{}
	if text, ok := texts[service.Sampling]; ok {
		if sampling, err = generation.ParseSampling(text); err != nil {
			return bad(err)
		}
	}
	request, err := sampling.Request(string(prompt))
	return d, request, err
}

// generateInputs sorts the inputs, which have one element each.
func generateInputs(r *oippb.ModelInferRequest) (texts map[string][]byte, flags map[string]bool, err error) {
	if n := len(r.RawInputContents); n > 0 && n != len(r.Inputs) {
		return nil, nil, fault.New(fault.Invalid, "%d raw_input_contents for %d inputs", n, len(r.Inputs))
	}
	texts, flags = map[string][]byte{}, map[string]bool{}
	for i, in := range r.Inputs {
		var raw []byte
		if len(r.RawInputContents) > 0 {
			raw = r.RawInputContents[i]
		}
		switch in.Name {
		case service.TextInput, service.Sampling:
			texts[in.Name], err = oneText(in, raw)
		case service.Stream, service.ExcludeInput, service.ReturnsPrefix + service.FinishReason,
			service.ReturnsPrefix + service.PromptTokens, service.ReturnsPrefix + service.OutputTokens:
			flags[in.Name], err = oneFlag(in, raw)
		default:
			err = fault.New(fault.Invalid, "%s has no such input", r.ModelName)
		}
		if err != nil {
			return nil, nil, fault.New(fault.Invalid, "input %q: %v", in.Name, err)
		}
	}
	return texts, flags, nil
}

func oneText(in *oippb.ModelInferRequest_InferInputTensor, raw []byte) ([]byte, error) {
	if in.Datatype != string(tensor.BYTES) {
		return nil, fault.New(fault.Invalid, "it is %s, not BYTES", in.Datatype)
	}
	list := in.Contents.GetBytesContents()
	if raw != nil {
		t, err := tensor.FromRaw(in.Name, tensor.BYTES, in.Shape, raw)
		if err != nil {
			return nil, err
		}
		list = t.Bytes
	}
	if len(list) != 1 {
		return nil, fault.New(fault.Invalid, "it has %d elements, not 1", len(list))
	}
	return list[0], nil
}

func oneFlag(in *oippb.ModelInferRequest_InferInputTensor, raw []byte) (bool, error) {
	if in.Datatype != "BOOL" {
		return false, fault.New(fault.Invalid, "it is %s, not BOOL", in.Datatype)
	}
	list := in.Contents.GetBoolContents()
	for _, b := range raw {
		list = append(list, b != 0)
	}
	if len(list) != 1 {
		return false, fault.New(fault.Invalid, "it has %d elements, not 1", len(list))
	}
	return list[0], nil
}

// message is a chunk in the outputs that were asked for.
func (d delivery) message(r *oippb.ModelInferRequest, c generation.Chunk) *oippb.ModelInferResponse {
	finish := c.Finish
	if finish == "" {
		finish = "None" // as Python spells it, whose backend this is
	}
	m := &oippb.ModelInferResponse{ModelName: r.ModelName, ModelVersion: oip.Version, Id: r.Id}
	add := func(name, datatype string, raw []byte) {
		if !d.returns[name] {
			return
		}
		m.Outputs = append(m.Outputs, &oippb.ModelInferResponse_InferOutputTensor{Name: name, Datatype: datatype, Shape: []int64{1}})
		m.RawOutputContents = append(m.RawOutputContents, raw)
	}
	text := func(s string) []byte { return slices.Concat(count(len(s)), []byte(s)) }
	add(service.TextOutput, string(tensor.BYTES), text(c.Text))
	add(service.FinishReason, string(tensor.BYTES), text(finish))
	add(service.PromptTokens, "UINT32", count(c.Prompt))
	add(service.OutputTokens, "UINT32", count(c.Tokens))
	return m
}

func count(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
