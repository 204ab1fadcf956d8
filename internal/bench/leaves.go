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
		Batch: c.Batch, Batcher: c.Batcher.String(), Conc: c.Load.conc(), Rate: c.Load.rate(), Knee: c.Load.Kind == KneeLoad, Users: c.Load.Kind == UsersLoad,
	}
	if c.Share {
		n.Prefix = "shared"
	}
	return n
}

// capability finds how a stack serves a case, or says why it does not.
func (c Case) capability(s stack.Stack) (stack.Capability, error) {
	does := slices.ContainsFunc(s.Serves, func(how stack.Capability) bool { return how.Task == c.task() })
	switch {
	case !does:
		return stack.Capability{}, fmt.Errorf("the stack does no %s", c.task())
	case !c.Batcher.asked && s.Unbatched != "":
		return stack.Capability{}, fmt.Errorf("without batching it is %s, which is measured", s.Unbatched)
	case c.Batcher == BatcherOff() && s.Batcher == stack.Greedy:
		return stack.Capability{}, errors.New("the stack's batcher cannot be switched off")
	case c.Batcher.Max > 0 && s.Batcher == stack.NoBatcher:
		return stack.Capability{}, errors.New("the stack has no dynamic batcher")
	case c.Batcher.Max > 0 && c.Batcher.Delay < s.LeastWait:
		return stack.Capability{}, fmt.Errorf("the stack's batcher waits at least %v", s.LeastWait)
	case c.Batcher.Delay > 0 && (s.Batcher == stack.Greedy || s.Batcher == stack.Continuous):
		return stack.Capability{}, errors.New("the stack's batcher waits for no request: it has no delay")
	case c.Share && !s.Prefixes:
		return stack.Capability{}, errors.New("the stack keeps nothing of earlier prompts")
	}
	size := c.Batch
	if size == Mixed {
		size = 2 // any that is not one
	}
	if how, ok := s.Find(c.task(), c.Proto, c.Input, size); ok {
		if how.Alone && c.Batcher.Max > 0 {
			return stack.Capability{}, fmt.Errorf("the stack's batcher does no %s", c.task())
		}
		return how, nil
	}
	proto := false
	for _, how := range s.Serves {
		if how.Task != c.task() {
			continue
		}
		proto = proto || how.Proto == c.Proto
		if how.Proto == c.Proto && how.Input == c.Input {
			return stack.Capability{}, fmt.Errorf("the stack takes no %s in batches of %d over %s", c.Input, size, c.Proto)
		}
	}
	if proto {
		return stack.Capability{}, fmt.Errorf("the stack takes no %s over %s", c.Input, c.Proto)
	}
	return stack.Capability{}, fmt.Errorf("the stack has no %s", c.Proto)
}

// noneOn says why a stack serves none of the profile's cases of a model, each
// reason once; "" when it serves one.
func (g Group) noneOn(s stack.Stack, model string, p Profile) string {
	var whys []string
	for _, c := range g.In(p) {
		if c.Model != model {
			continue
		}
		_, err := c.capability(s)
		if err == nil {
			return ""
		}
		if !slices.Contains(whys, err.Error()) {
			whys = append(whys, err.Error())
		}
	}
	return strings.Join(whys, "; ")
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

// byServer gives the profile's cases, those that share a started stack next to
// one another: of one model, and of one setting.
func (g Group) byServer(p Profile, s stack.Stack) []Case {
	type server struct {
		model string
		setting
	}
	of := func(c Case) server { return server{c.Model, c.setting(s)} }
	first := map[server]int{}
	models := g.Models(p)
	cases := g.In(p)
	for i, c := range cases {
		if _, seen := first[of(c)]; !seen {
			first[of(c)] = i
		}
	}
	slices.SortStableFunc(cases, func(a, b Case) int {
		return cmp.Or(slices.Index(models, a.Model)-slices.Index(models, b.Model), first[of(a)]-first[of(b)])
	})
	return cases
}

// seconds is about what the case takes, without starting the stack.
func (c Case) seconds(o Options) float64 {
	window := o.Profile.Warmup().Seconds() + c.windowGuess(o).Seconds() + 0.5
	if c.task() == stack.TextGeneration {
		window = c.textSeconds(o)
	}
	if c.Load.sought() {
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
