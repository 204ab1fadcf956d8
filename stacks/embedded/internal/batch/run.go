package batch

import (
	"fmt"
	"time"

	"stackbench/stacks/embedded/internal/tensor"
)

// run executes the jobs together. When that fails it executes each alone, so
// that one bad request does not fail its neighbours.
func (q *Queue) run(jobs []*job) {
	outputs, err := q.together(jobs)
	if err != nil && len(jobs) > 1 {
		for _, j := range jobs {
			q.run([]*job{j})
		}
		return
	}
	for i, j := range jobs {
		if err != nil {
			j.err = err
		} else {
			j.output = outputs[i]
		}
		close(j.done)
	}
}

func (q *Queue) together(jobs []*job) ([]tensor.Tensor, error) {
	rows := make([]int, len(jobs))
	items := 0
	for i, j := range jobs {
		rows[i] = j.items
		items += j.items
	}
	start := time.Now()
	inputs, err := q.join(jobs)
	if err != nil {
		return nil, err
	}
	output, err := q.graph.Run(inputs)
	if err != nil {
		return nil, err
	}
	q.metrics.Executed(items, len(jobs), time.Since(start))
	if output.Rows() != items {
		return nil, fmt.Errorf("the model answered %d rows for %d items", output.Rows(), items)
	}
	return tensor.SplitRows(output, rows), nil
}

// join concatenates each input over the jobs.
func (q *Queue) join(jobs []*job) ([]tensor.Tensor, error) {
	if len(jobs) == 1 {
		return jobs[0].inputs, nil
	}
	inputs := make([]tensor.Tensor, len(jobs[0].inputs))
	parts := make([]tensor.Tensor, len(jobs))
	for i := range inputs {
		for k, j := range jobs {
			parts[k] = j.inputs[i]
		}
		var err error
		if inputs[i], err = tensor.Concat(parts, q.options.Pads[i]); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}
