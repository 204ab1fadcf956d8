package service

import (
	"context"
	"fmt"

	"stackbench/internal/tokenizer"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

func textGeneration() task {
	return task{
		of:    func(m *store.Model) bool { return m.Decoder != nil },
		specs: func(m *store.Model) []Spec { return []Spec{generates(m.Name)} },
		null:  func(n null) Served { return nullWriter{n} },
	}
}

// The tensors of generated text are those of Triton's vLLM backend.
const (
	TextInput     = "text_input"
	Sampling      = "sampling_parameters" // JSON
	Stream        = "stream"
	ExcludeInput  = "exclude_input_in_output"
	TextOutput    = "text_output"
	FinishReason  = "finish_reason"
	PromptTokens  = "num_input_tokens"
	OutputTokens  = "num_output_tokens" // of one message
	ReturnsPrefix = "return_"           // and an output's name: an input that asks for it
)

// generates is what the name of a model that generates takes and gives.
func generates(model string) Spec {
	port := func(name string, t tensor.Type) store.Port { return store.Port{Name: name, Type: t, Shape: []int64{1}} }
	return Spec{
		Name: model,
		Inputs: []store.Port{
			port(TextInput, tensor.BYTES), port(Sampling, tensor.BYTES), port(Stream, "BOOL"), port(ExcludeInput, "BOOL"),
			port(ReturnsPrefix+FinishReason, "BOOL"), port(ReturnsPrefix+PromptTokens, "BOOL"), port(ReturnsPrefix+OutputTokens, "BOOL"),
		},
		Outputs: []store.Port{
			port(TextOutput, tensor.BYTES), port(FinishReason, tensor.BYTES), port(PromptTokens, "UINT32"), port(OutputTokens, "UINT32"),
		},
		front: true, stream: true,
	}
}

// Generates reports whether the name stands for a model that generates text.
func (s Spec) Generates() bool { return s.stream }

// Inferable returns an error of kind Invalid for a name whose answer is a stream.
func (s Spec) Inferable() error {
	if s.stream {
		return fault.New(fault.Invalid, "%s generates text: ask it by ModelStreamInfer, /v1/completions or /v1/generate", s.Name)
	}
	return nil
}

// Writer generates text.
type Writer struct {
	identity
	engine *generation.Engine
}

// NewWriter puts the model's tokenizer in front of its decoder. Close ends it.
func NewWriter(m *store.Model, info Info, begin generation.Begin, met *metrics.Metrics, o generation.Options) (*Writer, error) {
	t, err := tokenizer.Open(m.Tokenizer(), tokenizer.Unlimited)
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	if _, err := t.Decoder(); err != nil {
		return nil, fmt.Errorf("model store: %s: %w", m.Tokenizer(), err)
	}
	return &Writer{
		identity: identity{info, textGeneration().specs(m)}, engine: generation.New(begin, *m.Decoder, t, met, o),
	}, nil
}

// Close ends the answers under way.
func (w *Writer) Close() { w.engine.Close() }

// Generate gives the chunks of a text, each as soon as it is there. An error of
// give ends it.
func (w *Writer) Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error {
	return w.engine.Generate(ctx, r, give)
}

type nullWriter struct{ null }

// nullToken is a token of the length that English ones have.
const nullToken = " null"

// Generate gives the same token again and again, without looking at the prompt,
// for which it counts one token.
func (nullWriter) Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error {
	if err := r.Check(); err != nil {
		return err
	}
	for i := range r.Max {
		if ctx.Err() != nil {
			return fault.New(fault.Gone, "the client left: %v", ctx.Err())
		}
		c := generation.Chunk{Text: nullToken, Tokens: 1, Prompt: 1, Total: i + 1}
		if c.Total == r.Max {
			c.Finish = generation.Length
		}
		if err := give(c); err != nil {
			return fault.New(fault.Gone, "the client left: %v", err)
		}
	}
	return nil
}
