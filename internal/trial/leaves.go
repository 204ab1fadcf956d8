package trial

import (
	"context"

	"stackbench/internal/host"
	"stackbench/internal/plan"
	"stackbench/internal/suite"
)

// startSeconds is about what starting a stack with a model takes.
const startSeconds = 3

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
