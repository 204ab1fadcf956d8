package trial

import (
	"context"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/suite"
	"stackbench/internal/task"
)

const (
	pilotWarmup  = time.Second // before a pilot, and after it: the server is warm then
	pilotLongest = 3           // times the profile's warm-up
)

// windowGuess is about how long the case's window will be: what it needs
// depends on the server, so that of a closed loop is a guess.
func windowGuess(c suite.Case, o suite.Options) time.Duration {
	const usual = 60 * time.Millisecond // of one answer
	if !o.Profile.Strict() || c.Load.Sought() {
		return o.Length()
	}
	needed := time.Duration(max(24*c.Load.Conc(), 130)) * usual
	if c.Load.Rate() > 0 {
		needed = meter.NeededOpen(float64(c.Load.Rate()), false)
	}
	if c.Batch > 1 {
		needed = needed * time.Duration(c.Batch) / 4
	}
	return min(max(o.Length(), needed), o.Longest())
}

// lengthen gives the plan of a case a window that is long enough to be judged,
// in the profiles that judge.
func (r *Rig) lengthen(ctx context.Context, l Leaf, w *task.Work, p load.Plan) (load.Plan, error) {
	if !r.Options.Profile.Strict() {
		return p, nil
	}
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	return piloted(r.Options, p, func(pilot load.Plan) (meter.Window, error) {
		res, err := w.Load(ctx, pilot, clock)
		return windowOf(r.Group, l.Case, res, w, pilot), err
	})
}

// piloted sets the window by a pilot of the same load, which takes the place of
// the warm-up: it is longer where the first one shows too little.
func piloted(o suite.Options, p load.Plan, run func(pilot load.Plan) (meter.Window, error)) (load.Plan, error) {
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
	p.Window = min(max(p.Window, meter.Needed(seen, p.Arrivals.Rate)), o.Longest())
	return p, nil
}

// seconds is about what the case takes, without starting the stack.
func seconds(c suite.Case, o suite.Options) float64 {
	window := o.Profile.Warmup().Seconds() + windowGuess(c, o).Seconds() + 0.5
	if d, ok := task.KindOf(c.Task).Guess(c, o); ok {
		window = d.Seconds()
	}
	if c.Load.Sought() {
		return window + kneeUsual*max(window, kneeUsualSeconds)
	}
	return window
}
