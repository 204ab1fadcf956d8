package trial

import (
	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

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
