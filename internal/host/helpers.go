package host

import (
	"context"
	"errors"

	"stackbench/internal/boot"
	"stackbench/internal/stack"
)

// prepareHelpers makes the stacks ready that help to measure, as sessions start
// them. One that cannot be had here is no error: what it helps with says so.
func (h *Host) prepareHelpers(ctx context.Context, helpers []stack.Stack, r Reporter) error {
	for _, s := range helpers {
		spec := h.spec(s, stack.Model{})
		spec.Launcher, spec.Run.Device = boot.Process, stack.CPU
		if err := boot.Prepare(ctx, spec, r.Build); err != nil {
			if ctx.Err() != nil {
				return errors.Join(err, context.Cause(ctx))
			}
			r.Done(s.Name + ", which helps to measure, is not ready: " + OneLine(err))
		}
	}
	return nil
}
