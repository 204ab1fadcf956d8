package task

import (
	"fmt"
	"slices"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// everything is each committed input of the case's form, in a batch of its own.
func everything(c suite.Case, m Served) (Fixed, error) {
	var all Fixed
	f, err := formOf(c.Input)
	if err == nil {
		all, err = f.committed(m)
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no committed inputs of the form %q", c.Input)
	}
	return all, err
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
