package host

import (
	"context"
	"slices"

	"stackbench/internal/fetch"
	"stackbench/internal/ort"
	"stackbench/internal/stack"
)

// FindLibrary finds ONNX Runtime's shared library, or fetches it, when a stack
// is measured that loads one. Such a stack computes on the CPU and is skipped on
// a GPU, so there nothing is looked for.
func (e *Host) FindLibrary(ctx context.Context, progress fetch.Progress) error {
	if e.Device == stack.GPU || !slices.ContainsFunc(e.Options.Stacks, LoadsLibrary) {
		return nil
	}
	return e.FetchLibrary(ctx, progress)
}

func LoadsLibrary(s stack.Stack) bool {
	return s.Process != nil && s.Process.Needs == stack.ONNXRuntime
}

// FetchLibrary does so once.
func (e *Host) FetchLibrary(ctx context.Context, progress fetch.Progress) error {
	if e.Library != "" {
		return nil
	}
	f := ort.New(e.Cache, stack.CPU)
	f.Getter.Progress = progress
	found, err := f.Find(ctx)
	if err != nil {
		return err
	}
	e.Library, e.libraryNote = found.Path, found.String()
	return nil
}
