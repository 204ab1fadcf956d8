package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/host"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

const (
	floorWarmup = 200 * time.Millisecond
	floorWindow = time.Second
	floorNeeds  = 15 // requests: a little more than the median asks for
)

// floors says whether the client's floor of a case is measured: of every case
// where there is time, else of the group's first with one item a request.
func floors(o suite.Options, g suite.Group, c suite.Case) bool {
	if g.Null.Name == "" || o.Record.Again > 0 {
		return false
	}
	if o.Profile.Strict() {
		return !c.Load.Sought()
	}
	for _, first := range g.In(o.Profile) {
		if first.Batch == 1 && first.Load.Conc() > 0 {
			return c == first
		}
	}
	return false
}

// Floor is what the client, the protocol and this machine's loopback take of
// the case's response time: the same load and requests on a server that
// answers at once. It is measured once a process, while no other load runs,
// and only published beside results: nothing is subtracted. nil when it is not
// measured; a note says why when it could not be.
func (r *Rig) Floor(ctx context.Context, l Leaf) *results.Floor {
	if !floors(r.Options, r.Group, l.Case) || IsEnding(ctx) {
		return nil
	}
	if f, ok := r.floorOf[l.Case]; ok {
		return f
	}
	f, err := r.measureFloor(ctx, l)
	if err != nil {
		r.Note("no client floor of %s: %s", l.Name, host.OneLine(err))
	}
	if r.floorOf == nil {
		r.floorOf = map[suite.Case]*results.Floor{}
	}
	r.floorOf[l.Case] = f
	return f
}

func (r *Rig) measureFloor(ctx context.Context, l Leaf) (*results.Floor, error) {
	null := r.Group.Null
	how, err := l.Case.Capability(null)
	if err != nil {
		return nil, err
	}
	ses := r.Golden.HelperSession(null, l.Subject.model)
	defer func() { _ = ses.Stop(ctx) }()
	s, err := ses.Server(ctx, l.Case, how, false)
	if err != nil {
		return nil, err
	}
	if s.Boot.Launcher == boot.Attach {
		return nil, errors.New("an attached server is not known to answer at once")
	}
	w, err := r.Golden.Supply.Prepare(l.Case, how, l.Subject.model.Served, s.Endpoint)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	res, err := w.Load(ctx, floorPlan(l.Case, r.Options), clock)
	if err != nil {
		return nil, cause(s, err)
	}
	return floorFrom(meter.Window{Open: l.Case.Load.Rate() > 0, Records: res.Records, Length: res.Window, Conns: l.Case.Load.Conc()})
}

// floorPlan is the case's load, but short: nothing has to warm up.
func floorPlan(c suite.Case, o suite.Options) load.Plan {
	p := planOf(c, o, load.Marks{})
	p.Warmup, p.Window, p.Keep = floorWarmup, floorWindow, 0
	if c.Load.Rate() > 0 {
		p.Window = max(p.Window, floorNeeds*time.Second/time.Duration(c.Load.Rate()))
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
