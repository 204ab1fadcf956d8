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
	o.Launcher, o.Window = "process", againWindow
	e, err := survey(o, Group{Name: "selftest", Title: "Selftest", Cases: []Case{c}})
	if err != nil {
		return nil, err
	}
	e.device, e.devices = stack.CPU, nil
	e.options.Stacks = []stack.Stack{s}
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
	m, err := e.prepare(ctx, c.Model, nil)
	if err != nil {
		return nil, err
	}
	return e.again(ctx, &session{env: e, stack: s, model: m, helper: true}, c, how, times)
}

func (e *environment) again(ctx context.Context, ses *session, c Case, how stack.Capability, times int) ([]meter.Summary, error) {
	var out []meter.Summary
	for n := range times {
		e.options.Record.Trial = n + 1 // other inputs
		sum, err := e.start(ctx, ses, c, how)
		if err = errors.Join(err, ses.stop(ctx)); err != nil {
			return nil, err
		}
		out = append(out, sum)
	}
	return out, nil
}

// start measures a window of a fresh server.
func (e *environment) start(ctx context.Context, ses *session, c Case, how stack.Capability) (meter.Summary, error) {
	up, err := ses.server(ctx, c, how, true)
	if err != nil {
		return meter.Summary{}, err
	}
	w, err := e.prepareWork(c, how, ses.model.served, up.endpoint)
	if err != nil {
		return meter.Summary{}, err
	}
	defer func() { _ = w.close() }()
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	var beside *meter.Foreign
	others := e.company(up.boot)
	p := c.plan(e.options, load.Marks{Open: others.open, Close: func() { beside = others.shut() }})
	res, err := w.load(ctx, p, clock)
	if err != nil {
		return meter.Summary{}, cause(up, err)
	}
	for _, r := range res.Records {
		if r.Outcome != record.Good {
			return meter.Summary{}, fmt.Errorf("%s: a request ended as %q", ses.stack.Name, r.Kind())
		}
	}
	return meter.Summarise([]meter.Window{e.group.window(c, res, w, p)}, meter.Evidence{Foreign: beside}), nil
}
