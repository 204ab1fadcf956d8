package bench

import (
	"context"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
)

const (
	pilotWarmup  = time.Second     // before a pilot, and after it: the server is warm then
	pilotLongest = 3               // times the profile's warm-up
	mostWindows  = 5               // times the profile's window, that a window may take
	mostWindow   = 5 * time.Minute // and that it may in any profile
)

// longest is as long as a window may become.
func (o Options) longest() time.Duration {
	return max(o.length(), min(mostWindows*o.Profile.Window(), mostWindow))
}

// windowGuess is about how long the case's window will be: what it needs
// depends on the server, so that of a closed loop is a guess.
func (c Case) windowGuess(o Options) time.Duration {
	const usual = 60 * time.Millisecond // of one answer
	if !o.Profile.Strict() || c.Load.sought() {
		return o.length()
	}
	needed := time.Duration(max(24*c.Load.conc(), 130)) * usual
	if c.Load.rate() > 0 {
		needed = meter.NeededOpen(float64(c.Load.rate()), false)
	}
	if c.Batch > 1 {
		needed = needed * time.Duration(c.Batch) / 4
	}
	return min(max(o.length(), needed), o.longest())
}

// lengthen gives the plan of a case a window that is long enough to be judged,
// in the profiles that judge.
func (r *run) lengthen(ctx context.Context, l leaf, w *work, p load.Plan) (load.Plan, error) {
	if !r.env.options.Profile.Strict() {
		return p, nil
	}
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	return r.env.options.piloted(p, func(pilot load.Plan) (meter.Window, error) {
		res, err := w.load(ctx, pilot, clock)
		return r.env.group.window(l.c, res, w, pilot), err
	})
}

// piloted sets the window by a pilot of the same load, which takes the place of
// the warm-up: it is longer where the first one shows too little.
func (o Options) piloted(p load.Plan, run func(pilot load.Plan) (meter.Window, error)) (load.Plan, error) {
	pilot := p
	pilot.Marks, pilot.Keep = load.Marks{}, 0
	pilot.Warmup, pilot.Window = pilotWarmup, max(p.Warmup-pilotWarmup, pilotWarmup)
	seen, err := run(pilot)
	if err != nil {
		return p, err
	}
	if longer := min(meter.LongerPilot(seen), pilotLongest*p.Warmup); longer > pilot.Window {
		pilot.Window = longer
		if seen, err = run(pilot); err != nil {
			return p, err
		}
	}
	p.Warmup = pilotWarmup
	p.Window = min(max(p.Window, meter.Needed(seen, p.Arrivals.Rate)), o.longest())
	return p, nil
}
