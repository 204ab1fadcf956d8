// Package selftest holds the client to the truth on the machine on which it is
// going to measure: servers that follow a script, and stamp their answers by
// clocks of their own, say what the figures must be. It also says what this
// machine can tell apart, by measuring the same thing again and again.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/unit"
)

// Server is a scripted server that keeps the times at which requests arrived.
type Server interface {
	Addr() string
	Arrivals() ([]time.Time, error)
	Close() error
}

// Summarise is how windows become figures: meter.Summarise, or a wrong one in
// the tests of what this package would notice.
type Summarise func([]meter.Window, meter.Evidence) meter.Summary

// Foreign watches for a while, in which nothing of ours runs, what others take:
// percent by core, and who takes most of it ("4711 cc1"), "" when nobody does.
type Foreign func(ctx context.Context, d time.Duration) (byCore map[int]float64, holder string, err error)

// Again measures one thing on each of several fresh starts.
type Again func(ctx context.Context, times int) ([]Sample, error)

// Sample is what one fresh start measured, in ms; 0 of what it did not.
type Sample struct {
	P50, P95 float64
	Beside   *meter.Foreign // what others took the while; nil when nobody looked
}

// Lab is what the test is made with.
type Lab struct {
	Spawn     func(fake.Order) (Server, error)
	Clock     load.Clock
	Core      int // of the scripted servers; -1 for any
	Short     bool
	Summarise Summarise
	Foreign   Foreign
	Beside    Beside // nil: nobody watches while it measures
	Again     Again  // a real stack against itself; nil: only a scripted server is
	Say       func(format string, args ...any)
}

// Report is what was found.
type Report struct {
	Cases   []Outcome
	Late    float64 // p99 of the lateness of sends, ms
	Floor   float64 // median answer of a server that answers at once, ms
	Noise   Noise
	Foreign Others
}

// Outcome is one script against the truth.
type Outcome struct {
	Script string
	Checks []Check
}

// Others is what somebody else took of the machine, before and after, and while
// it was measured.
type Others struct {
	Share     float64 // the most of any core, %, before and after
	Core      int
	Holder    string
	Problem   string         // why it is not known; "" when it is
	During    *meter.Foreign // the worst of what was seen while it was measured; nil when nobody looked
	Disturbed []string       // rules that others broke then, each with the part of the test
}

const (
	quietSpan  = time.Second
	quietShare = 5.0 // % of a core that is nobody's worry: a quiet machine's own housekeeping
	tries      = 3   // of a script
	starts     = 8   // of one thing, for its noise
	fewStarts  = 6   // of a scripted one
)

// Run makes the whole test. An error says that it could not be made; that the
// client is not true is in the report.
func (l Lab) Run(ctx context.Context) (Report, error) {
	var r Report
	r.look(ctx, l.Foreign)
	var err error
	if r.Floor, err = l.floor(ctx); err != nil {
		return r, fmt.Errorf("selftest floor: %w", err)
	}
	for _, s := range l.scripts() {
		checks, seen, err := l.hold(ctx, s, r.Floor)
		if err != nil {
			return r, fmt.Errorf("selftest %s: %w", s.name, err)
		}
		r.Foreign.during(s.name, s.plan.Arrivals.Rate > 0, seen)
		if s.name == atOnce {
			r.Late = checks[0].Got
		}
		r.Cases = append(r.Cases, Outcome{s.name, checks})
	}
	var samples []Sample
	if r.Noise, samples, err = l.noise(ctx); err != nil {
		return r, fmt.Errorf("selftest noise: %w", err)
	}
	for i, s := range samples {
		r.Foreign.during(fmt.Sprintf("start %d of %s", i+1, r.Noise.Of), false, s.Beside)
	}
	r.look(ctx, l.Foreign)
	return r, nil
}

// hold plays a script and judges it. What is wrong is measured again, and the
// try with the fewest faults counts: what disturbs a machine comes and goes, and
// an error of the client's own does not. What others took is of that try.
func (l Lab) hold(ctx context.Context, s script, way float64) (best []Check, beside *meter.Foreign, err error) {
	for try := range tries {
		l.Say("%s%s", s.about, []string{"", ", again", ", once more"}[try])
		p, err := l.play(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		checks, err := l.judge(s, p.res, p.arrivals, way)
		if err != nil {
			return nil, nil, err
		}
		if best == nil || wrong(checks) < wrong(best) {
			best, beside = checks, p.beside
		}
		if wrong(best) == 0 || l.Short {
			break
		}
	}
	return best, beside, nil
}

func wrong(checks []Check) int {
	n := 0
	for _, c := range checks {
		if c.Why != "" {
			n++
		}
	}
	return n
}

// look keeps the most that others took.
func (r *Report) look(ctx context.Context, foreign Foreign) {
	byCore, holder, err := foreign(ctx, quietSpan)
	if err != nil {
		r.Foreign.Problem = err.Error()
		return
	}
	for core, share := range byCore {
		if share > r.Foreign.Share {
			r.Foreign.Share, r.Foreign.Core, r.Foreign.Holder = share, core, holder
		}
	}
}

// played is what a script's load left.
type played struct {
	res      load.Result
	arrivals []time.Time
	beside   *meter.Foreign // what others took the while; nil when nobody looked
}

// play runs a script's load on its server.
func (l Lab) play(ctx context.Context, s script) (p played, err error) {
	s.order.CPU = l.Core
	server, err := l.Spawn(s.order)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	target, err := s.target(server.Addr())
	if err != nil {
		return p, err
	}
	stop := l.watch(server)
	p.res, err = load.Run(ctx, s.plan, target, l.Clock)
	p.beside = stop()
	if err != nil {
		return p, err
	}
	p.arrivals, err = server.Arrivals()
	return p, err
}

// watch begins to look at what others take while a server is measured, where it
// is a process of its own.
func (l Lab) watch(s Server) (stop func() *meter.Foreign) {
	child, ok := s.(interface{ PID() int })
	if !ok || l.Beside == nil {
		return func() *meter.Foreign { return nil }
	}
	seen := l.Beside(child.PID())
	return func() *meter.Foreign {
		f := seen()
		return &f
	}
}

// floor is the median answer of a server that answers at once, to one user.
func (l Lab) floor(ctx context.Context) (float64, error) {
	l.Say("client's floor")
	s, err := l.once(ctx, instant(), time.Second)
	return s.P50, err
}

// once measures one user of a scripted server.
func (l Lab) once(ctx context.Context, order fake.Script, window time.Duration) (Sample, error) {
	s := script{order: fake.Order{HTTP: &order}, plan: closed(1, window)}
	p, err := l.play(ctx, s)
	if err != nil {
		return Sample{}, err
	}
	sum := meter.Summarise([]meter.Window{s.window(p.res)}, meter.Evidence{})
	out := Sample{Beside: p.beside}
	out.P50, _ = sum.Value(unit.P50)
	out.P95, _ = sum.Value(unit.P95)
	if out.P50 == 0 {
		return out, fmt.Errorf("no median in %d requests", len(p.res.Records))
	}
	return out, nil
}

// window is a window's length, a quarter of it in the short test.
func (l Lab) window(d time.Duration) time.Duration {
	if l.Short {
		return d / 4
	}
	return d
}
