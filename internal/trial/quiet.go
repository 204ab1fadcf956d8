package trial

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/gpu"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/telemetry"
)

const (
	mostTries  = 3                // windows that are taken of one, the first included
	quietWait  = 30 * time.Second // for the others to end, before a window is taken again
	quietEvery = 5 * time.Second  // that the wait is told anew
)

// patienceOf is what a run may spend on waiting for quiet and on windows that are
// taken again, all its processes together: a machine that never is quiet must
// not make minutes into hours. STACKBENCH_PATIENCE says otherwise.
func patienceOf(p suite.Profile) (time.Duration, error) {
	if asked := os.Getenv("STACKBENCH_PATIENCE"); asked != "" {
		d, err := time.ParseDuration(asked)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("STACKBENCH_PATIENCE=%q is no time\nwrite how long a run may wait for others, such as 30s, or 0s", asked)
		}
		return d, nil
	}
	return [...]time.Duration{2 * time.Minute, 20 * time.Minute, 40 * time.Minute}[p], nil
}

// spent is what the trials of a run have used up of that.
func spent(trials []results.Trial) time.Duration {
	var sum float64
	for _, t := range trials {
		if t.Foreign != nil {
			sum += t.Foreign.Spent
		}
	}
	return time.Duration(sum * float64(time.Second))
}

// quietly takes one window. One that others disturbed is taken again once they
// are quiet, and of all tries the least disturbed is kept.
func (r *Rig) quietly(ctx context.Context, l Leaf, w *task.Work, obs *observation, p load.Plan) (meter.Window, error) {
	before := obs.state()
	var kept meter.Window
	var best state
	for try := 1; ; try++ {
		started := time.Now()
		win, err := r.take(ctx, l, w, obs, p)
		if err != nil {
			return win, err
		}
		if try > 1 {
			r.spend(obs, time.Since(started))
		}
		if try == 1 || obs.seen.Weight(win.Open) < best.seen.Weight(win.Open) {
			kept, best = win, obs.state()
		}
		if try == mostTries || !disturbed(best.seen, win.Open) || !r.quiet(ctx, obs, win.Open) {
			obs.restore(best)
			obs.tries += try
			return kept, nil
		}
		obs.restore(before)
	}
}

// take loads the server for one window.
func (r *Rig) take(ctx context.Context, l Leaf, w *task.Work, obs *observation, p load.Plan) (meter.Window, error) {
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	obs.others.look()
	obs.source.Underway = p.Conns
	res, err := w.Load(ctx, p, clock)
	if err != nil {
		return meter.Window{}, err
	}
	if err := obs.server.Boot.Alive(); err != nil {
		return meter.Window{}, err
	}
	win := windowOf(r.Group, l.Case, res, w, p)
	if f := obs.evidence.Foreign; f != nil && disturbed(obs.seen, win.Open) {
		obs.seen.Holder = name(obs.others.holder())
		if f.Holder == "" || f.Server == obs.seen.Server {
			f.Holder = obs.seen.Holder
		}
	}
	return win, nil
}

// disturbed says whether others did to a window what may be over when it is
// taken again.
func disturbed(f meter.Foreign, open bool) bool {
	invalid, doubts := f.Broken(open)
	for _, why := range append(invalid, doubts...) {
		if why.Rule.Disturbed() {
			return true
		}
	}
	return false
}

// quiet waits until nobody disturbs for a second, and tells whom it waits for.
// false: it must not or did not become quiet in the time that the run has left.
func (r *Rig) quiet(ctx context.Context, obs *observation, open bool) bool {
	if r.patience <= 0 {
		return false
	}
	started := time.Now()
	limit := min(quietWait, r.patience)
	told := time.Time{}
	defer func() { r.spend(obs, time.Since(started)) }()
	for time.Since(started) < limit {
		obs.others.look()
		obs.others.open()
		if !r.second(ctx) {
			obs.others.shut()
			return false
		}
		f := obs.others.shut()
		if f == nil || !disturbed(*f, open) {
			return true
		}
		if time.Since(told) >= quietEvery {
			r.say("waiting: %s", somebody(*f, obs.others.holder(), time.Second))
			told = time.Now()
		}
	}
	r.say("not quiet after %v: the window stays as it is", limit.Round(time.Second))
	return false
}

// second waits for one; false when the run is ending.
func (r *Rig) second(ctx context.Context) bool {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-boot.Ending(ctx):
		return false
	case <-ctx.Done():
		return false
	}
}

// spend takes time off what the run has for disturbed windows.
func (r *Rig) spend(obs *observation, d time.Duration) {
	obs.spent += d
	if r.patience -= d; r.patience <= 0 && r.patience+d > 0 {
		r.say("the time that a run waits for others is used up: windows that they disturb are not taken again")
	}
}

// state is what an observation has summed up: it is put back when a window is not
// kept.
type state struct {
	evidence meter.Evidence
	counters counters
	gpus     []gpu.Summary
	own      *telemetry.Generation
	seen     meter.Foreign
	opened   time.Time
	waiting  [3]float64
}

func (o *observation) state() state {
	s := state{
		evidence: o.evidence, counters: o.counters, gpus: slices.Clip(o.gpus), own: o.own, seen: o.seen, opened: o.opened,
		waiting: [3]float64{o.waiting.sum, float64(o.waiting.samples), o.waiting.most},
	}
	// These are added to in place.
	s.evidence.Client, s.evidence.Stack = copied(s.evidence.Client), copied(s.evidence.Stack)
	s.evidence.GPU, s.evidence.Foreign = copied(s.evidence.GPU), copied(s.evidence.Foreign)
	return s
}

// restore puts a state back.
func (o *observation) restore(s state) {
	o.evidence, o.counters, o.gpus, o.own, o.seen, o.opened = s.evidence, s.counters, s.gpus, s.own, s.seen, s.opened
	o.evidence.Client, o.evidence.Stack = copied(s.evidence.Client), copied(s.evidence.Stack)
	o.evidence.GPU, o.evidence.Foreign = copied(s.evidence.GPU), copied(s.evidence.Foreign)
	o.waiting.sum, o.waiting.samples, o.waiting.most = s.waiting[0], int(s.waiting[1]), s.waiting[2]
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// foreign is what a trial keeps of the others.
func (o *observation) foreign() *results.Foreign {
	f := o.evidence.Foreign
	if f == nil {
		return nil
	}
	keep := func(s meter.Share) results.Share {
		return results.Share{Percent: s.Percent, Worst: s.Worst, Steal: s.Steal}
	}
	return &results.Foreign{
		Opened: o.opened.UTC(), Unknown: f.Unknown, Server: keep(f.Server), Client: keep(f.Client), Throttled: f.Throttled,
		Holder: f.Holder, Tries: o.tries, Spent: o.spent.Seconds(),
	}
}
