package trial

import (
	"context"

	"stackbench/internal/axis"
	"stackbench/internal/host"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// startSeconds is about what starting a stack with a model takes.
const startSeconds = 3

// nameOf is the leaf's name.
func nameOf(g suite.Group, s stack.Stack, c suite.Case) results.Name {
	n := ServerName(s, c.Model).With(axis.Proto, string(c.Proto)).With(axis.Input, string(c.Input)).With(axis.Tokens, string(c.Lengths)).
		With(axis.Batch, axis.Count(c.Batch)).With(axis.Batcher, c.Batcher.String()).
		With(axis.Conc, axis.Count(c.Load.Conc())).With(axis.Rate, axis.Count(c.Load.Rate()))
	n.Group = g.Title
	if c.Share {
		n = n.With(axis.Prefix, axis.Shared)
	}
	if c.Batch == suite.Mixed {
		n = n.With(axis.Batch, axis.Mixed)
	}
	switch {
	case c.Load.Kind == suite.UsersLoad:
		n = n.With(axis.Load, axis.Users)
	case c.Load.Kind == suite.KneeLoad:
		n = n.With(axis.Load, axis.Knee)
	}
	return n
}

// NameOn is the leaf's name on a device.
func NameOn(d stack.Device, g suite.Group, s stack.Stack, c suite.Case) results.Name {
	return nameOf(g, s, c).With(axis.Precision, s.Floats[d])
}

// ServerName is what the names of all leaves of a started stack begin with; of no
// model, those of a stack.
func ServerName(s stack.Stack, model string) results.Name {
	return results.Name{}.With(axis.Stack, s.Name).With(axis.Model, model)
}

// Leaves lists what would be measured, stack by stack and model by model, and
// what cannot be and why.
func Leaves(ctx context.Context, h *host.Host, g suite.Group) ([]plan.Leaf, error) {
	var out []plan.Leaf
	for _, s := range h.Options.Stacks {
		s = s.On(h.Device)
		refusal, err := h.Refusal(ctx, s)
		if err != nil {
			return nil, err
		}
		var server suite.Case // that is up
		for _, c := range h.Options.Cases(g, s) {
			l := plan.Leaf{Name: NameOn(h.Device, g, s, c).String(), Stack: s.Name, Model: c.Model, Skip: refusal}
			if _, err := h.Capability(s, c); err != nil && l.Skip == "" {
				l.Skip = err.Error()
			}
			if l.Skip == "" {
				l.Seconds = seconds(c, h.Options)
				if floors(h.Options, g, c) {
					l.Seconds += (floorWarmup + floorWindow).Seconds() + 0.5
				}
				if c.Model != server.Model || c.Setting(s) != server.Setting(s) {
					l.Start, server = startSeconds, c
				}
			}
			out = append(out, l)
		}
	}
	return out, nil
}
