package bench

import (
	"fmt"
	"io/fs"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

// everything is each committed input of the case's form, in a batch of its own.
func everything(c Case, m served) (fixed, error) {
	data := stackbench.Testdata()
	switch c.Input {
	case stack.JPEG:
		list, err := workload.Photographs(data)
		return oneEach(c.Input, list, err, (*batch).image)
	case stack.Tensor:
		list, err := workload.NewTensors(data, m.Norm)
		if err != nil {
			return nil, err
		}
		return oneEach(c.Input, list.Cuts(), nil, (*batch).tensor)
	case stack.Text:
		return everyText(data)
	}
	return nil, fmt.Errorf("no committed inputs of the form %q", c.Input)
}

func everyText(data fs.FS) (fixed, error) {
	have, err := workload.Count(data)
	if err != nil {
		return nil, err
	}
	var all []workload.Text
	for bucket := range have.Texts {
		list, err := workload.NewTexts(data, bucket)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Known()...)
	}
	return oneEach(stack.Text, all, nil, (*batch).text)
}
