package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/cpuset"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// againWindow is how long each start is measured by Again.
const againWindow = 1500 * time.Millisecond

// Again measures one case of a stack on each of several fresh starts, as trials
// do: what differs between them is not the stack's. The models and programs
// that this needs are fetched and built, if they are not there.
func Again(ctx context.Context, o suite.Options, s stack.Stack, c suite.Case, times int) ([]meter.Summary, error) {
	o.Start.Launcher, o.Window, o.Stacks = "process", againWindow, []stack.Stack{s}
	h, err := host.Survey(o)
	if err != nil {
		return nil, err
	}
	h.Device, h.Devices = stack.CPU, nil
	if _, err := cpuset.Pin(h.Client); err != nil {
		return nil, fmt.Errorf("pin the client to cores %s: %w", h.Client, err)
	}
	how, err := c.Capability(s)
	if err != nil {
		return nil, err
	}
	if err := h.FindLibrary(ctx, nil); err != nil {
		return nil, err
	}
	g := suite.Group{Name: "selftest", Title: "Selftest", Cases: []suite.Case{c}}
	store := golden.NewStore(h, g)
	m, err := store.Prepare(ctx, c.Model)
	if err != nil {
		return nil, err
	}
	return starts{g, store, store.HelperSession(s, m), m}.measure(ctx, c, how, times)
}

// starts are fresh starts of one stack.
type starts struct {
	group   suite.Group
	store   *golden.Store
	session *host.Session
	model   *golden.Model
}

func (s starts) measure(ctx context.Context, c suite.Case, how stack.Capability, times int) ([]meter.Summary, error) {
	var out []meter.Summary
	for n := range times {
		s.store.Supply.Options.Record.Trial = n + 1 // other inputs
		sum, err := s.one(ctx, c, how)
		if err = errors.Join(err, s.session.Stop(ctx)); err != nil {
			return nil, err
		}
		out = append(out, sum)
	}
	return out, nil
}

// one measures a window of a fresh server.
func (s starts) one(ctx context.Context, c suite.Case, how stack.Capability) (meter.Summary, error) {
	up, err := s.session.Server(ctx, c, how, true)
	if err != nil {
		return meter.Summary{}, err
	}
	w, err := s.store.Supply.Prepare(c, how, s.model.Served, up.Endpoint)
	if err != nil {
		return meter.Summary{}, err
	}
	defer func() { _ = w.Close() }()
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	var beside *meter.Foreign
	others := company(s.store.Host, up.Boot)
	p := planOf(c, s.store.Supply.Options, load.Marks{Open: others.open, Close: func() { beside = others.shut() }})
	res, err := w.Load(ctx, p, clock)
	if err != nil {
		return meter.Summary{}, cause(up, err)
	}
	for _, r := range res.Records {
		if r.Outcome != record.Good {
			return meter.Summary{}, fmt.Errorf("%s: a request ended as %q", s.session.Stack.Name, r.Kind())
		}
	}
	return meter.Summarise([]meter.Window{windowOf(s.group, c, res, w, p)}, meter.Evidence{Foreign: beside}), nil
}
