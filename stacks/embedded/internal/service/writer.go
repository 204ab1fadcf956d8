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

// Writer is the Service of a model that generates text.
type Writer struct {
	info   Info
	specs  []Spec
	engine *generation.Engine
}

var _ Service = (*Writer)(nil)

// NewWriter puts the model's tokenizer in front of its decoder. Close ends it.
func NewWriter(m *store.Model, info Info, begin generation.Begin, met *metrics.Metrics, o generation.Options) (*Writer, error) {
	t, err := tokenizer.Open(m.Tokenizer(), tokenizer.Unlimited)
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	if _, err := t.Decoder(); err != nil {
		return nil, fmt.Errorf("model store: %s: %w", m.Tokenizer(), err)
	}
	return &Writer{info: info, specs: specsOf(m), engine: generation.New(begin, *m.Decoder, t, met, o)}, nil
}

// Close ends the answers under way.
func (w *Writer) Close() { w.engine.Close() }

// Info returns what the server says of itself.
func (w *Writer) Info() Info { return w.info }

// Specs lists the model's one name.
func (w *Writer) Specs() []Spec { return w.specs }

// Generate gives the chunks of a text.
func (w *Writer) Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error {
	return w.engine.Generate(ctx, r, give)
}

// Infer says that there is nothing to infer but text.
func (w *Writer) Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return dispatch(ctx, w, name, inputs, nil)
}

// Classify is for image models.
func (w *Writer) Classify(context.Context, [][]byte) (tensor.Tensor, error) {
	return tensor.Tensor{}, noClasses(w.info.Model)
}

// Embed is for models of embeddings.
func (w *Writer) Embed(context.Context, []string) (tensor.Tensor, int, error) {
	return tensor.Tensor{}, 0, noEmbeddings(w.info.Model)
}

func noClasses(model string) error {
	return fault.New(fault.Unknown, "%s does not classify images", model)
}

func noEmbeddings(model string) error {
	return fault.New(fault.Unknown, "%s does not embed texts", model)
}

func noText(model string) error { return fault.New(fault.Unknown, "%s does not generate text", model) }
