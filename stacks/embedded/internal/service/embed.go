package service

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"stackbench/internal/tokenizer"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

func embedding() task {
	return task{
		of: func(m *store.Model) bool { return m.Text != nil && m.Decoder == nil },
		specs: func(m *store.Model) []Spec {
			ids := own(m)
			ids.longest = int64(m.Text.MaxTokens)
			return []Spec{ids, front(m, "_text", "TEXT")}
		},
		null: func(n null) Served { return nullEmbedder{n} },
		graph: &graphTask{
			front: newEmbedder, pad: padIDs,
			warm: func(m *store.Model) []tensor.Tensor { return textInputs(m, [][]int64{make([]int64, 8)}, 8) },
		},
	}
}

// The inputs that text graphs have, by their published names. Any other (the
// segment of a token, say) is all zeros for a single sequence.
const (
	inputIDs      = "input_ids"
	attentionMask = "attention_mask"
)

// padIDs is what fills rows up that are shorter than others.
func padIDs(m *store.Model) []int64 {
	pads := make([]int64, len(m.Whole().Inputs))
	for i, p := range m.Whole().Inputs {
		if p.Name == inputIDs {
			pads[i] = m.Text.PadID
		}
	}
	return pads
}

// textInputs pads token ids to a width and makes the inputs of the graph.
func textInputs(m *store.Model, rows [][]int64, width int) []tensor.Tensor {
	shape := []int64{int64(len(rows)), int64(width)}
	inputs := make([]tensor.Tensor, len(m.Whole().Inputs))
	for i, p := range m.Whole().Inputs {
		data := make([]int64, len(rows)*width)
		for r, ids := range rows {
			line := data[r*width:][:width]
			switch p.Name {
			case inputIDs:
				for c := copy(line, ids); c < width; c++ {
					line[c] = m.Text.PadID
				}
			case attentionMask:
				for c := range ids {
					line[c] = 1
				}
			}
		}
		inputs[i] = tensor.Tensor{Name: p.Name, Type: tensor.INT64, Shape: shape, I64: data}
	}
	return inputs
}

// embedder computes the embeddings of texts.
type embedder struct {
	*live
	tokenizer *tokenizer.Tokenizer
}

func newEmbedder(l *live) (Live, error) {
	t, err := tokenizer.Open(l.model.Tokenizer(), l.model.Text.MaxTokens)
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	return &embedder{live: l, tokenizer: t}, nil
}

// Infer answers a request to one of the served names.
func (e *embedder) Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return e.infer(ctx, name, inputs, func(ctx context.Context, in []tensor.Tensor) (tensor.Tensor, error) {
		list := make([]string, len(in[0].Bytes))
		for i, b := range in[0].Bytes {
			list[i] = string(b)
		}
		out, _, err := e.Embed(ctx, list)
		return out, err
	})
}

// Embed returns embeddings [n, dim] of n texts and the tokens they became. It
// pads them to the longest and executes the graph once on all.
func (e *embedder) Embed(ctx context.Context, list []string) (embeddings tensor.Tensor, tokens int, err error) {
	start := time.Now()
	rows := make([][]int64, len(list))
	width := 0
	for i, text := range list {
		if !utf8.ValidString(text) {
			return tensor.Tensor{}, 0, fault.New(fault.Invalid, "text %d is not UTF-8", i)
		}
		ids, err := e.tokenizer.Encode(text)
		if err != nil {
			return tensor.Tensor{}, 0, fault.New(fault.Invalid, "text %d: %v", i, err)
		}
		rows[i] = ids
		tokens += len(ids)
		width = max(width, len(ids))
	}
	inputs := textInputs(e.model, rows, width)
	e.metrics.Preprocessed(time.Since(start))
	out, err := e.queue.Do(ctx, inputs)
	return out, tokens, err
}

type nullEmbedder struct{ null }

// Embed answers without looking at the texts, and counts one token for each.
func (n nullEmbedder) Embed(_ context.Context, list []string) (tensor.Tensor, int, error) {
	return n.rows(len(list)), len(list), nil
}

// Infer checks the request and answers at once.
func (n nullEmbedder) Infer(_ context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return n.infer(name, inputs)
}
