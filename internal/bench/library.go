package bench

import (
	"context"
	"slices"

	"stackbench/internal/fetch"
	"stackbench/internal/ort"
	"stackbench/internal/stack"
)

// findLibrary finds ONNX Runtime's shared library, or fetches it, when a stack
// is measured that loads one. Such a stack computes on the CPU and is skipped on
// a GPU, so there nothing is looked for.
func (e *environment) findLibrary(ctx context.Context, progress fetch.Progress) error {
	if e.device == stack.GPU || !slices.ContainsFunc(e.options.Stacks, loadsLibrary) {
		return nil
	}
	return e.fetchLibrary(ctx, progress)
}

func loadsLibrary(s stack.Stack) bool {
	return s.Process != nil && s.Process.Needs == stack.ONNXRuntime
}

// fetchLibrary does so once.
func (e *environment) fetchLibrary(ctx context.Context, progress fetch.Progress) error {
	if e.library != "" {
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
