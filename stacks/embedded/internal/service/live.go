package service

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"stackbench/internal/tokenizer"
	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/pixels"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Live is the Service that computes classes and embeddings.
type Live struct {
	info    Info
	specs   []Spec
	model   *store.Model
	metrics *metrics.Metrics
	queue   *batch.Queue

	pixels *pixels.Preprocessor // of image models
	planes sync.Pool            // *[]float32, tensors of decoded images
	turns  chan struct{}        // one a core: decoding more at a time only costs memory

	tokenizer *tokenizer.Tokenizer // of text models
}

var _ Service = (*Live)(nil)

// NewLive prepares the model's preprocessing in front of a graph, and starts
// the queue between them. Close ends it.
func NewLive(m *store.Model, info Info, g batch.Graph, met *metrics.Metrics, o batch.Options) (*Live, error) {
	l := &Live{info: info, specs: specsOf(m), model: m, metrics: met, turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	var err error
	if m.Image != nil {
		l.pixels, err = pixels.New(*m.Image)
	} else {
		l.tokenizer, err = tokenizer.Open(m.Tokenizer(), m.Text.MaxTokens)
	}
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	inputs := m.Whole().Inputs
	o.Pads = make([]int64, len(inputs))
	for i, p := range inputs {
		if m.Text != nil && p.Name == inputIDs {
			o.Pads[i] = m.Text.PadID
		}
	}
	l.queue = batch.New(g, met, o)
	return l, nil
}

// Close ends the queue once the executions in flight are done.
func (l *Live) Close() { l.queue.Close() }

// Info returns what the server says of itself.
func (l *Live) Info() Info { return l.info }

// Specs lists the graph and its front.
func (l *Live) Specs() []Spec { return l.specs }

// Infer answers a request to one of the served names.
func (l *Live) Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return dispatch(ctx, l, name, inputs, l.queue.Do)
}

// Classify decodes and scales the files, several at a time, and executes the
// graph once on all.
func (l *Live) Classify(ctx context.Context, files [][]byte) (tensor.Tensor, error) {
	if l.pixels == nil {
		return tensor.Tensor{}, noClasses(l.model.Name)
	}
	start := time.Now()
	size := l.pixels.Floats()
	data := l.buffer(len(files) * size)
	defer l.planes.Put(data)
	var group errgroup.Group
	group.SetLimit(cap(l.turns))
	for i, file := range files {
		group.Go(func() error {
			l.turns <- struct{}{}
			defer func() { <-l.turns }()
			if err := l.pixels.JPEG((*data)[i*size:][:size], file); err != nil {
				return fault.New(fault.Invalid, "image %d: %v", i, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return tensor.Tensor{}, err
	}
	l.metrics.Preprocessed(time.Since(start))
	port := l.model.Whole().Inputs[0]
	shape := append([]int64{int64(len(files))}, port.Shape[1:]...)
	return l.queue.Do(ctx, []tensor.Tensor{{Name: port.Name, Type: tensor.FP32, Shape: shape, F32: *data}})
}

// buffer returns n floats, from the pool when its next one is large enough.
func (l *Live) buffer(n int) *[]float32 {
	if b, ok := l.planes.Get().(*[]float32); ok && cap(*b) >= n {
		*b = (*b)[:n]
		return b
	}
	b := make([]float32, n)
	return &b
}

// Embed tokenises the texts, pads them to the longest and executes the graph
// once on all.
func (l *Live) Embed(ctx context.Context, list []string) (tensor.Tensor, int, error) {
	if l.tokenizer == nil {
		return tensor.Tensor{}, 0, noEmbeddings(l.model.Name)
	}
	start := time.Now()
	rows := make([][]int64, len(list))
	tokens, width := 0, 0
	for i, text := range list {
		if !utf8.ValidString(text) {
			return tensor.Tensor{}, 0, fault.New(fault.Invalid, "text %d is not UTF-8", i)
		}
		ids, err := l.tokenizer.Encode(text)
		if err != nil {
			return tensor.Tensor{}, 0, fault.New(fault.Invalid, "text %d: %v", i, err)
		}
		rows[i] = ids
		tokens += len(ids)
		width = max(width, len(ids))
	}
	inputs := textInputs(l.model, rows, width)
	l.metrics.Preprocessed(time.Since(start))
	out, err := l.queue.Do(ctx, inputs)
	return out, tokens, err
}

// Generate is for models that generate text.
func (l *Live) Generate(context.Context, generation.Request, func(generation.Chunk) error) error {
	return noText(l.model.Name)
}
