package bench

import (
	"context"
	"slices"

	"stackbench/internal/fetch"
	"stackbench/internal/ort"
	"stackbench/internal/stack"
)

// findLibrary finds ONNX Runtime's shared library, or fetches it, when a stack
// is asked for that loads one: those that are Go programs. Such a stack
// computes on the CPU, whatever the machine has.
func (e *environment) findLibrary(ctx context.Context, progress fetch.Progress) error {
	loads := func(s stack.Stack) bool { return s.Process != nil && s.Process.Go != "" }
	if !slices.ContainsFunc(e.options.Stacks, loads) {
		return nil
	}
	f := ort.New(e.cache, stack.CPU)
	f.Getter.Progress = progress
	found, err := f.Find(ctx)
	if err != nil {
		return err
	}
	e.library, e.libraryNote = found.Path, found.String()
	return nil
}
