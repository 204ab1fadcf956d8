// Package service is the server without its transports: it checks requests,
// turns images and texts into tensors and has the model executed.
package service

import (
	"context"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/tensor"
)

// Platform is the protocol's name of the format that models have here.
const Platform = "onnxruntime_onnx"

// Info is what the server says of itself when it is ready.
type Info struct {
	Model         string `json:"model"`
	Runtime       string `json:"runtime"` // name and version; "null" when nothing computes
	Device        string `json:"device"`
	Threads       int    `json:"threads"`
	WeightsSHA256 string `json:"weights_sha256"`
	MaxBatch      int    `json:"max_batch"`
}

// Service answers inference requests. All methods may be called concurrently;
// their errors carry a kind of package fault.
type Service interface {
	Info() Info
	// Specs lists the served names.
	Specs() []Spec
	// Infer answers a request to one of the served names.
	Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error)
	// Classify returns logits [n, classes] of n JPEG files.
	Classify(ctx context.Context, files [][]byte) (tensor.Tensor, error)
	// Embed returns embeddings [n, dim] of n texts and the tokens they became.
	Embed(ctx context.Context, texts []string) (embeddings tensor.Tensor, tokens int, err error)
	// Generate gives the chunks of a text, each as soon as it is there. An error
	// of give ends it.
	Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error
}

// Only returns an error of kind Unknown unless the name is the model's.
func Only(s Service, model string) error {
	if has := s.Info().Model; model != has {
		return fault.New(fault.Unknown, "unknown model %q: this server has %s", model, has)
	}
	return nil
}

// Find returns the spec of a served name; an error of kind Unknown otherwise.
func Find(s Service, name string) (Spec, error) {
	for _, spec := range s.Specs() {
		if spec.Name == name {
			return spec, nil
		}
	}
	return Spec{}, fault.New(fault.Unknown, "unknown model %q: this server has %s", name, names(s))
}

func names(s Service) string {
	list := ""
	for i, spec := range s.Specs() {
		if i > 0 {
			list += " and "
		}
		list += spec.Name
	}
	return list
}

// dispatch sends a checked request to the method that its name stands for.
func dispatch(ctx context.Context, s Service, name string, inputs []tensor.Tensor,
	compute func(context.Context, []tensor.Tensor) (tensor.Tensor, error)) (tensor.Tensor, error) {
	spec, err := Find(s, name)
	if err != nil {
		return tensor.Tensor{}, err
	}
	if err := spec.Inferable(); err != nil {
		return tensor.Tensor{}, err
	}
	if inputs, err = spec.arrange(inputs); err != nil {
		return tensor.Tensor{}, err
	}
	switch spec.kind {
	case images:
		return s.Classify(ctx, inputs[0].Bytes)
	case texts:
		list := make([]string, len(inputs[0].Bytes))
		for i, b := range inputs[0].Bytes {
			list[i] = string(b)
		}
		out, _, err := s.Embed(ctx, list)
		return out, err
	default:
		return compute(ctx, inputs)
	}
}
