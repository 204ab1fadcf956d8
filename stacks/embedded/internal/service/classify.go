package service

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/pixels"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

func classification() task {
	return task{
		of:    func(m *store.Model) bool { return m.Image != nil },
		specs: func(m *store.Model) []Spec { return []Spec{own(m), front(m, "_jpeg", "IMAGE")} },
		null:  func(n null) Served { return nullClassifier{n} },
		graph: &graphTask{
			front: newClassifier, warm: greyImage,
			pad: func(m *store.Model) []int64 { return make([]int64, len(m.Whole().Inputs)) },
		},
	}
}

// greyImage is the input of one image.
func greyImage(m *store.Model) []tensor.Tensor {
	shape := append([]int64{1}, m.Whole().Inputs[0].Shape[1:]...)
	size := 1
	for _, d := range shape {
		size *= int(d)
	}
	return []tensor.Tensor{{Name: m.Whole().Inputs[0].Name, Type: tensor.FP32, Shape: shape, F32: make([]float32, size)}}
}

// classifier computes the classes of images.
type classifier struct {
	*live
	pixels *pixels.Preprocessor
	planes sync.Pool     // *[]float32, tensors of decoded images
	turns  chan struct{} // one a core: decoding more at a time only costs memory
}

func newClassifier(l *live) (Live, error) {
	p, err := pixels.New(*l.model.Image)
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	return &classifier{live: l, pixels: p, turns: make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
}

// Infer answers a request to one of the served names.
func (c *classifier) Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return c.infer(ctx, name, inputs, func(ctx context.Context, in []tensor.Tensor) (tensor.Tensor, error) {
		return c.Classify(ctx, in[0].Bytes)
	})
}

// Classify returns logits [n, classes] of n JPEG files. It decodes and scales
// several at a time, and executes the graph once on all.
func (c *classifier) Classify(ctx context.Context, files [][]byte) (tensor.Tensor, error) {
	start := time.Now()
	size := c.pixels.Floats()
	data := c.buffer(len(files) * size)
	defer c.planes.Put(data)
	var group errgroup.Group
	group.SetLimit(cap(c.turns))
	for i, file := range files {
		group.Go(func() error {
			c.turns <- struct{}{}
			defer func() { <-c.turns }()
			if err := c.pixels.JPEG((*data)[i*size:][:size], file); err != nil {
				return fault.New(fault.Invalid, "image %d: %v", i, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return tensor.Tensor{}, err
	}
	c.metrics.Preprocessed(time.Since(start))
	port := c.model.Whole().Inputs[0]
	shape := append([]int64{int64(len(files))}, port.Shape[1:]...)
	return c.queue.Do(ctx, []tensor.Tensor{{Name: port.Name, Type: tensor.FP32, Shape: shape, F32: *data}})
}

// buffer returns n floats, from the pool when its next one is large enough.
func (c *classifier) buffer(n int) *[]float32 {
	if b, ok := c.planes.Get().(*[]float32); ok && cap(*b) >= n {
		*b = (*b)[:n]
		return b
	}
	b := make([]float32, n)
	return &b
}

type nullClassifier struct{ null }

// Classify answers without looking at the files.
func (n nullClassifier) Classify(_ context.Context, files [][]byte) (tensor.Tensor, error) {
	return n.rows(len(files)), nil
}

// Infer checks the request and answers at once.
func (n nullClassifier) Infer(_ context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error) {
	return n.infer(name, inputs)
}
