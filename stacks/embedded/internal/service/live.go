package service

import (
	"context"

	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// Live is a served model that computes.
type Live interface {
	Served
	Close() // once the executions in flight are done
}

// live is what tasks have alike whose graph is executed once on all items of a
// request: the graph, and the queue before it.
type live struct {
	identity
	model   *store.Model
	metrics *metrics.Metrics
	queue   *batch.Queue
}

// NewLive prepares the model's preprocessing in front of a graph, and starts
// the queue between them. Close ends it.
func NewLive(m *store.Model, info Info, g batch.Graph, met *metrics.Metrics, o batch.Options) (Live, error) {
	t, err := graphTaskOf(m)
	if err != nil {
		return nil, err
	}
	l := &live{identity: identity{info, t.specs(m)}, model: m, metrics: met}
	served, err := t.graph.front(l)
	if err != nil {
		return nil, err
	}
	o.Pads = t.graph.pad(m)
	l.queue = batch.New(g, met, o)
	return served, nil
}

// Close ends the queue once the executions in flight are done.
func (l *live) Close() { l.queue.Close() }

// infer has a request to the graph's own name executed, and one to the other
// name answered by the front.
func (l *live) infer(ctx context.Context, name string, inputs []tensor.Tensor,
	front func(context.Context, []tensor.Tensor) (tensor.Tensor, error)) (tensor.Tensor, error) {
	spec, inputs, err := checked(l, name, inputs)
	if err != nil {
		return tensor.Tensor{}, err
	}
	if spec.front {
		return front(ctx, inputs)
	}
	return l.queue.Do(ctx, inputs)
}
