package suite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stackbench/internal/stack"
)

// Capability finds how a stack serves a case, or says why it does not.
func (c Case) Capability(s stack.Stack) (stack.Capability, error) {
	does := slices.ContainsFunc(s.Serves, func(how stack.Capability) bool { return how.Task == c.Task })
	switch {
	case !does:
		return stack.Capability{}, fmt.Errorf("the stack does no %s", c.Task)
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
	if how, ok := s.Find(c.Task, c.Proto, c.Input, size); ok {
		if how.Alone && c.Batcher.Max > 0 {
			return stack.Capability{}, fmt.Errorf("the stack's batcher does no %s", c.Task)
		}
		return how, nil
	}
	proto := false
	for _, how := range s.Serves {
		if how.Task != c.Task {
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

// NoneOn says why a stack serves none of the profile's cases of a model, each
// reason once; "" when it serves one.
func (g Group) NoneOn(s stack.Stack, model string, p Profile) string {
	var whys []string
	for _, c := range g.In(p) {
		if c.Model != model {
			continue
		}
		_, err := c.Capability(s)
		if err == nil {
			return ""
		}
		if !slices.Contains(whys, err.Error()) {
			whys = append(whys, err.Error())
		}
	}
	return strings.Join(whys, "; ")
}

// Setting is what may differ between two starts of a stack with one model.
type Setting struct {
	batch stack.Batching
	share bool
}

// Setting is what a stack must be started with for the case.
func (c Case) Setting(s stack.Stack) Setting { return Setting{c.Batcher.Of(s), c.Share} }

// byServer gives the profile's cases, those that share a started stack next to
// one another: of one model, and of one setting.
func (g Group) byServer(p Profile, s stack.Stack) []Case {
	type server struct {
		model string
		Setting
	}
	of := func(c Case) server { return server{c.Model, c.Setting(s)} }
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

// Mean is how many items a request of a case carries, on average.
func (g Group) Mean(c Case) float64 {
	if c.Batch != Mixed {
		return float64(c.Batch)
	}
	sum := 0
	for _, n := range g.Sizes {
		sum += n
	}
	return float64(sum) / float64(len(g.Sizes))
}
