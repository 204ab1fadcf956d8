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
func (h *Host) FindLibrary(ctx context.Context, progress fetch.Progress) error {
	if h.Device == stack.GPU || !slices.ContainsFunc(h.Options.Stacks, LoadsLibrary) {
		return nil
	}
	return h.FetchLibrary(ctx, progress)
}

// LoadsLibrary says whether a stack loads ONNX Runtime's shared library as a process.
func LoadsLibrary(s stack.Stack) bool {
	return s.Process != nil && s.Process.Needs == stack.ONNXRuntime
}

// FetchLibrary finds or fetches the library whatever is measured, once.
func (h *Host) FetchLibrary(ctx context.Context, progress fetch.Progress) error {
	if h.library != "" {
		return nil
	}
	f := ort.New(h.Cache, stack.CPU)
	f.Getter.Progress = progress
	found, err := f.Find(ctx)
	if err != nil {
		return err
	}
	h.library, h.libraryNote = found.Path, found.String()
	return nil
}
