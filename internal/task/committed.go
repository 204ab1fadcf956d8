package task

import (
	"fmt"
	"io/fs"
	"slices"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/workload"
)

// everything is each committed input of the case's form, in a batch of its own.
func everything(c suite.Case, m Served) (Fixed, error) {
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

func everyText(data fs.FS) (Fixed, error) {
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

// Whole finds a way in which a stack answers with all values, not the best few.
func Whole(s stack.Stack, t stack.Task, form stack.Input) (stack.Capability, bool) {
	i := slices.IndexFunc(s.Serves, func(c stack.Capability) bool {
		return c.Task == t && c.Input == form && c.Proto == stack.REST && answersWhole(c)
	})
	if i < 0 {
		return stack.Capability{}, false
	}
	return s.Serves[i], true
}
