package telemetry

import "fmt"

// Generation is what a server tells of the text that it generated: its own view
// of what a client stamps, without the way between them. In a reading the sums
// are since the server's start, in Work of the time between two readings. What
// a server does not tell is nil.
type Generation struct {
	Tokens  *float64 // generated
	First   *Sum     // from a request's arrival to its first token
	Between *Sum     // from one token to the next, over all of them
	Mean    *Sum     // of a request's tokens after its first, the time of one; over requests
	Whole   *Sum     // from a request's arrival to its last token
	Prefix  *Prefix
}

// Prefix counts the tokens of prompts that a server looked up among those of
// earlier prompts, and those that it found and did not compute.
type Prefix struct {
	Asked float64
	Found float64
}

// Share is the part that was found, 0…1; 0 when nothing was looked up.
func (p Prefix) Share() float64 {
	if p.Asked == 0 {
		return 0
	}
	return p.Found / p.Asked
}

func (g *Generation) since(before *Generation) (*Generation, error) {
	if g == nil {
		return nil, nil
	}
	if before == nil {
		before = &Generation{}
	}
	var d Generation
	for _, x := range []struct {
		what        string
		now, before *Sum
		to          **Sum
	}{
		{"time to first token", g.First, before.First, &d.First},
		{"time between tokens", g.Between, before.Between, &d.Between},
		{"time of a token", g.Mean, before.Mean, &d.Mean},
		{"time of requests", g.Whole, before.Whole, &d.Whole},
	} {
		if x.now == nil {
			continue
		}
		sum, err := x.now.since(value(x.before))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.what, err)
		}
		*x.to = &sum
	}
	if g.Tokens != nil {
		n := *g.Tokens - value(before.Tokens)
		if n < 0 {
			return nil, fmt.Errorf("generated tokens: %w", errBackwards)
		}
		d.Tokens = &n
	}
	if g.Prefix != nil {
		old := value(before.Prefix)
		d.Prefix = &Prefix{g.Prefix.Asked - old.Asked, g.Prefix.Found - old.Found}
		if d.Prefix.Asked < 0 || d.Prefix.Found < 0 {
			return nil, fmt.Errorf("prefixes of prompts: %w", errBackwards)
		}
	}
	return &d, nil
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

// names are those under which a server publishes what makes a Reading; "" of
// what it does not tell.
type names struct {
	stages               map[string]string // histograms, by stage
	first, between, mean string            // histograms
	whole                string            // histogram
	tokens               string            // counter
	asked, found         string            // counters
}

// reading takes from a page what it has of those names.
func (n names) reading(p page) (Reading, error) {
	r := Reading{Stages: map[string]Sum{}, Generation: &Generation{}}
	for stage, name := range n.stages {
		sum, err := p.sum(name)
		if err != nil {
			return Reading{}, err
		}
		if sum != nil {
			r.Stages[stage] = *sum
		}
	}
	var err error
	for _, x := range []struct {
		name string
		to   **Sum
	}{{n.first, &r.Generation.First}, {n.between, &r.Generation.Between}, {n.mean, &r.Generation.Mean}, {n.whole, &r.Generation.Whole}} {
		if *x.to, err = p.sum(x.name); err != nil {
			return Reading{}, err
		}
	}
	if r.Generation.Tokens, err = p.told(n.tokens); err != nil {
		return Reading{}, err
	}
	asked, err := p.told(n.asked)
	if err != nil {
		return Reading{}, err
	}
	found, err := p.told(n.found)
	if err != nil {
		return Reading{}, err
	}
	if asked != nil && found != nil {
		r.Generation.Prefix = &Prefix{*asked, *found}
	}
	return r, nil
}

// told is a counter, over all its series; nil when there is none.
func (p page) told(name string) (*float64, error) {
	v, told, err := p.number(name, nil)
	if err != nil || !told {
		return nil, err
	}
	return &v, nil
}

// steps are the executions of a decoder: each gives every sequence in it one
// token, so the tokens are the items.
func steps(runs float64, tokens *float64) *Batches {
	if tokens == nil {
		return nil
	}
	return &Batches{Runs: runs, Items: *tokens}
}

// crowdOf reads the gauges of requests that wait and that run.
func crowdOf(waiting, running string) func([]byte, Source) (Gauges, error) {
	return func(text []byte, _ Source) (Gauges, error) {
		p, err := parsePage(text)
		if err != nil {
			return Gauges{}, err
		}
		var c Gauges
		if c.Waiting, err = p.gauge(waiting, nil); err != nil {
			return Gauges{}, err
		}
		run, err := p.told(running)
		c.Running = value(run)
		return c, err
	}
}
