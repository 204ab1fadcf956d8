package service

import (
	"fmt"

	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
)

// task is one kind of work, which models are for.
type task struct {
	of    func(*store.Model) bool
	specs func(*store.Model) []Spec // the names under which a model is served
	null  func(null) Served         // which computes nothing
	graph *graphTask                // nil of a task that takes many executions an answer
}

// graphTask is what a task adds to a graph that is executed once on all items of
// a request.
type graphTask struct {
	front func(*live) (Live, error)          // which takes the work as people have it
	pad   func(*store.Model) []int64         // by input: what joins requests of different widths
	warm  func(*store.Model) []tensor.Tensor // inputs for one execution
}

func tasks() []task {
	return []task{classification(), embedding(), textGeneration()}
}

// taskOf is the task of a model.
func taskOf(m *store.Model) (task, error) {
	for _, t := range tasks() {
		if t.of(m) {
			return t, nil
		}
	}
	return task{}, fmt.Errorf("model store: %s is for no task that is served here", m.Name)
}

// graphTaskOf is the task of a model whose graph is executed once a request.
func graphTaskOf(m *store.Model) (task, error) {
	t, err := taskOf(m)
	if err == nil && t.graph == nil {
		err = fmt.Errorf("model store: the graph of %s is not executed once a request", m.Name)
	}
	return t, err
}

// WarmUp returns inputs for one execution of a model's graph; none of a graph
// that is not executed once a request.
func WarmUp(m *store.Model) []tensor.Tensor {
	t, err := graphTaskOf(m)
	if err != nil {
		return nil
	}
	return t.graph.warm(m)
}

// own is the spec of a graph, under the model's own name.
func own(m *store.Model) Spec {
	return Spec{Name: m.Name, Inputs: m.Whole().Inputs, Outputs: m.Whole().Outputs}
}

// front is the spec of the name that takes the work as people have it: a list.
func front(m *store.Model, suffix, input string) Spec {
	return Spec{
		Name: m.Name + suffix, Inputs: []store.Port{{Name: input, Type: tensor.BYTES, Shape: []int64{-1, 1}}},
		Outputs: m.Whole().Outputs, front: true,
	}
}
