package suite

import (
	"stackbench/internal/stack"
)

// Of gives the profile's cases of a group for a stack, those that share a server
// next to one another; when it is measured again, the first few that it serves
// and that are one window each.
func (o Options) Of(g Group, s stack.Stack) []Case {
	all, few := g.byServer(o.Profile, s), o.Record.Again
	if few == 0 {
		return all
	}
	var out []Case
	for _, c := range all {
		if c.Load.Sought() || len(out) == few {
			continue
		}
		if _, err := c.Capability(s); err == nil {
			out = append(out, c)
		}
	}
	return out
}
