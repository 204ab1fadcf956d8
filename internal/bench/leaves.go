package bench

import (
	"context"
	"errors"
	"fmt"

	"stackbench/internal/boot"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

// startSeconds is about what starting a stack with a model takes.
const startSeconds = 3

// name is the leaf's name. Its keys and their order are those of package results.
func (g Group) name(s stack.Stack, c Case) results.Name {
	return results.Name{
		Group: g.Title, Stack: s.Name, Model: c.Model, Proto: string(c.Proto), Input: string(c.Input),
		Batch: c.Batch, Conc: c.Load.Conc, Rate: c.Load.Rate,
	}
}

// capability finds how a stack serves a case, or says why it does not.
func (g Group) capability(s stack.Stack, c Case) (stack.Capability, error) {
	if how, ok := s.Find(g.Task, c.Proto, c.Input, c.Batch); ok {
		return how, nil
	}
	for _, how := range s.Serves {
		if how.Task == g.Task && how.Proto == c.Proto {
			return stack.Capability{}, fmt.Errorf("the stack takes no %s in batches of %d over %s", c.Input, c.Batch, c.Proto)
		}
	}
	return stack.Capability{}, fmt.Errorf("the stack has no %s", c.Proto)
}

// leaves lists what would be measured, stack by stack and model by model, and
// what cannot be and why.
func (e *environment) leaves(ctx context.Context) ([]plan.Leaf, error) {
	var out []plan.Leaf
	for _, s := range e.options.Stacks {
		refusal, err := e.refusal(ctx, s)
		if err != nil {
			return nil, err
		}
		model := ""
		for _, c := range e.group.byModel(e.options.Profile) {
			l := plan.Leaf{Name: e.group.name(s, c).String(), Stack: s.Name, Model: c.Model, Skip: refusal}
			if _, err := e.group.capability(s, c); err != nil && l.Skip == "" {
				l.Skip = err.Error()
			}
			if l.Skip == "" {
				l.Seconds = c.seconds(e.options)
				if e.floors(c) {
					l.Seconds += (floorWarmup + floorWindow).Seconds() + 0.5
				}
				if c.Model != model {
					l.Start, model = startSeconds, c.Model
				}
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// byModel gives the profile's cases, those of one model next to one another,
// since they share a started stack.
func (g Group) byModel(p Profile) []Case {
	var out []Case
	for _, m := range g.Models(p) {
		for _, c := range g.In(p) {
			if c.Model == m {
				out = append(out, c)
			}
		}
	}
	return out
}

// seconds is about what the case takes, without starting the stack.
func (c Case) seconds(o Options) float64 {
	return o.Profile.Warmup().Seconds() + o.length().Seconds() + 0.5
}

// unavailable says whether err is a reason to skip rather than a failure.
func unavailable(err error) (string, bool) {
	var not *boot.Unavailable
	if errors.As(err, &not) {
		return not.Reason + ": " + not.Cure, true
	}
	return "", false
}
