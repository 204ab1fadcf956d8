package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

const (
	floorWarmup = 200 * time.Millisecond
	floorWindow = time.Second
	floorNeeds  = 15 // requests: a little more than the median asks for
)

// floors says whether the client's floor of a case is measured: of every case
// where there is time, else of the group's first with one item a request.
func (e *environment) floors(c Case) bool {
	if e.group.Null.Name == "" || e.options.Record.Again > 0 {
		return false
	}
	if e.options.Profile.Strict() {
		return c.Load.Limit == 0 && !c.Load.Users
	}
	for _, first := range e.group.In(e.options.Profile) {
		if first.Batch == 1 && first.Load.Conc > 0 {
			return c == first
		}
	}
	return false
}

// floor is what the client, the protocol and this machine's loopback take of
// the case's response time: the same load and requests on a server that
// answers at once. It is measured once a process, while no other load runs,
// and only published beside results: nothing is subtracted. nil when it is not
// measured; a note says why when it could not be.
func (r *run) floor(ctx context.Context, l leaf) *results.Floor {
	if !r.env.floors(l.c) || r.ending(ctx) {
		return nil
	}
	if f, ok := r.floorOf[l.c]; ok {
		return f
	}
	f, err := r.measureFloor(ctx, l)
	if err != nil {
		r.note("no client floor of %s: %s", l.name, oneLine(err))
	}
	if r.floorOf == nil {
		r.floorOf = map[Case]*results.Floor{}
	}
	r.floorOf[l.c] = f
	return f
}

func (r *run) measureFloor(ctx context.Context, l leaf) (*results.Floor, error) {
	null := r.env.group.Null
	how, err := l.c.capability(null)
	if err != nil {
		return nil, err
	}
	ses := &session{env: r.env, stack: null, model: l.session.model, helper: true}
	defer func() { _ = ses.stop(ctx) }()
	s, err := ses.server(ctx, l.c, how, false)
	if err != nil {
		return nil, err
	}
	if s.boot.Launcher == boot.Attach {
		return nil, errors.New("an attached server is not known to answer at once")
	}
	w, err := r.env.prepareWork(l.c, how, l.session.model.served, s.endpoint)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.close() }()
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	res, err := w.load(ctx, l.c.floorPlan(r.env.options), clock)
	if err != nil {
		return nil, cause(s, err)
	}
	return floorFrom(meter.Window{Open: l.c.Load.Rate > 0, Records: res.Records, Length: res.Window, Conns: l.c.Load.Conc})
}

// floorPlan is the case's load, but short: nothing has to warm up.
func (c Case) floorPlan(o Options) load.Plan {
	p := c.plan(o, load.Marks{})
	p.Warmup, p.Window, p.Keep = floorWarmup, floorWindow, 0
	if c.Load.Rate > 0 {
		p.Window = max(p.Window, floorNeeds*time.Second/time.Duration(c.Load.Rate))
	}
	return p
}

// floorFrom reads the floor off a window, every request of which must be good.
func floorFrom(w meter.Window) (*results.Floor, error) {
	for _, rec := range w.Records {
		if rec.Outcome != record.Good {
			return nil, fmt.Errorf("a request to the null server ended as %q", rec.Outcome)
		}
	}
	sum := meter.Summarise([]meter.Window{w}, meter.Evidence{})
	p50, ok := sum.Value(unit.P50)
	if !ok {
		return nil, fmt.Errorf("only %d requests in its window", len(w.Records))
	}
	p95, _ := sum.Value(unit.P95)
	return &results.Floor{P50: p50, P95: p95}, nil
}
