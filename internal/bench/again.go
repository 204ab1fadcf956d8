package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/cpuset"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/stack"
)

// againWindow is how long each start is measured by Again.
const againWindow = 1500 * time.Millisecond

// Again measures one case of a stack on each of several fresh starts, as trials
// do: what differs between them is not the stack's. The models and programs
// that this needs are fetched and built, if they are not there.
func Again(ctx context.Context, o Options, s stack.Stack, c Case, times int) ([]meter.Summary, error) {
	o.Launcher, o.Window, o.Stacks = "process", againWindow, []stack.Stack{s}
	e, err := survey(o)
	if err != nil {
		return nil, err
	}
	e.device, e.devices = stack.CPU, nil
	if _, err := cpuset.Pin(e.client); err != nil {
		return nil, fmt.Errorf("pin the client to cores %s: %w", e.client, err)
	}
	how, err := c.capability(s)
	if err != nil {
		return nil, err
	}
	if err := e.findLibrary(ctx, nil); err != nil {
		return nil, err
	}
	g := Group{Name: "selftest", Title: "Selftest", Cases: []Case{c}}
	answers := newStore(e, g)
	m, err := answers.prepare(ctx, c.Model)
	if err != nil {
		return nil, err
	}
	return starts{g, answers, answers.helping(s, m), m}.measure(ctx, c, how, times)
}

// starts are fresh starts of one stack.
type starts struct {
	group   Group
	answers *store
	session *session
	model   *reference
}

func (s starts) measure(ctx context.Context, c Case, how stack.Capability, times int) ([]meter.Summary, error) {
	var out []meter.Summary
	for n := range times {
		s.answers.supply.options.Record.Trial = n + 1 // other inputs
		sum, err := s.one(ctx, c, how)
		if err = errors.Join(err, s.session.stop(ctx)); err != nil {
			return nil, err
		}
		out = append(out, sum)
	}
	return out, nil
}

// one measures a window of a fresh server.
func (s starts) one(ctx context.Context, c Case, how stack.Capability) (meter.Summary, error) {
	up, err := s.session.server(ctx, c, how, true)
	if err != nil {
		return meter.Summary{}, err
	}
	w, err := s.answers.supply.prepare(c, how, s.model.served, up.endpoint)
	if err != nil {
		return meter.Summary{}, err
	}
	defer func() { _ = w.close() }()
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	var beside *meter.Foreign
	others := company(s.answers.env, up.boot)
	p := planOf(c, s.answers.supply.options, load.Marks{Open: others.open, Close: func() { beside = others.shut() }})
	res, err := w.load(ctx, p, clock)
	if err != nil {
		return meter.Summary{}, cause(up, err)
	}
	for _, r := range res.Records {
		if r.Outcome != record.Good {
			return meter.Summary{}, fmt.Errorf("%s: a request ended as %q", s.session.stack.Name, r.Kind())
		}
	}
	return meter.Summarise([]meter.Window{windowOf(s.group, c, res, w, p)}, meter.Evidence{Foreign: beside}), nil
}
