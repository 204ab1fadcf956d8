package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stackbench/internal/boot"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

// startSeconds is about what starting a stack with a model takes.
const startSeconds = 3

// name is the leaf's name. Its keys and their order are those of package results.
func (g Group) name(s stack.Stack, c Case) results.Name {
	n := results.Name{
		Group: g.Title, Stack: s.Name, Model: c.Model, Proto: string(c.Proto), Input: string(c.Input), Tokens: string(c.Lengths),
		Batch: c.Batch, Batcher: c.Batcher.String(), Conc: c.Load.Conc, Rate: c.Load.Rate, Knee: c.Load.Limit > 0, Users: c.Load.Users,
	}
	if c.Share {
		n.Prefix = "shared"
	}
	return n
}

// leaves lists what would be measured, stack by stack and model by model, and
// what cannot be and why.
func (e *environment) leaves(ctx context.Context) ([]plan.Leaf, error) {
	var out []plan.Leaf
	for _, s := range e.options.Stacks {
		s = s.On(e.device)
		refusal, err := e.refusal(ctx, s)
		if err != nil {
			return nil, err
		}
		var server Case // that is up
		for _, c := range e.casesOf(s) {
			l := plan.Leaf{Name: e.name(s, c).String(), Stack: s.Name, Model: c.Model, Skip: refusal}
			if _, err := e.capability(s, c); err != nil && l.Skip == "" {
				l.Skip = err.Error()
			}
			if l.Skip == "" {
				l.Seconds = c.seconds(e.options)
				if e.floors(c) {
					l.Seconds += (floorWarmup + floorWindow).Seconds() + 0.5
				}
				if c.Model != server.Model || c.setting(s) != server.setting(s) {
					l.Start, server = startSeconds, c
				}
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// seconds is about what the case takes, without starting the stack.
func (c Case) seconds(o Options) float64 {
	window := o.Profile.Warmup().Seconds() + c.windowGuess(o).Seconds() + 0.5
	if c.Task == stack.TextGeneration {
		window = c.textSeconds(o)
	}
	if c.Load.Limit > 0 || c.Load.Users {
		return window + kneeUsual*max(window, kneeUsualSeconds)
	}
	return window
}

// unavailable says whether err is a reason to skip rather than a failure.
func unavailable(err error) (string, bool) {
	var not *boot.Unavailable
	if errors.As(err, &not) {
		return not.Reason + ": " + not.Cure, true
	}
	return "", false
}
