package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/search"
)

const (
	usersFirst   = 4    // tried first
	usersTries   = 9    // windows of a search
	usersWithin  = 0.95 // share of the answers that must be within the limits
	usersSample  = 130  // answers of a probe in standard and full: 95 % of fewer is no percentile
	usersQuick   = 20   // and in quick, which is an indication
	usersLongest = 5 * time.Minute
	usersUsual   = 6 // windows that it usually takes
)

// userSearch finds the most users of a closed loop whose texts come within the
// group's limits. Each number of users is a window of its own.
type userSearch struct {
	run    *run
	leaf   leaf
	server *server
	work   *work

	text   time.Duration // that one takes a user who is alone
	probes []results.Probe
	best   *taken // of the most users for whom the limits held
}

// search brackets and bisects, and writes down what it found.
func (u *userSearch) search(ctx context.Context, t results.Trial) (results.Trial, error) {
	u.probes, u.best = nil, nil
	ctx, stop := whileAlive(ctx, u.server.boot)
	defer stop()
	var err error
	if u.text, err = u.work.textTime(ctx); err != nil {
		return t, err
	}
	plan := search.Plan{First: usersFirst, Step: 2, Close: 1.1, Least: 1, Most: usersTries}
	found, err := search.Highest(ctx, plan, u.holds)
	var end *enough
	var doubt *doubtful
	switch {
	case errors.As(err, &end): // neighbours: no number of users lies between
		found = end.found
	case errors.As(err, &doubt):
		return u.withheld(ctx, t, doubt.Error()), nil
	case err != nil:
		return t, err
	case u.best == nil:
		return u.withheld(ctx, t, "the limits do not hold for one user: "+u.probes[len(u.probes)-1].Why), nil
	case !found.Narrow(plan):
		return u.withheld(ctx, t, fmt.Sprintf("not found in %d windows: the limits hold for %.0f users", usersTries, found.Holds)), nil
	}
	u.best.sum.Publish("users", math.Floor(found.Holds))
	t = u.run.conclude(ctx, u.leaf, *u.best, t)
	t.Knee = u.told()
	for unit := range t.Metrics {
		if !slices.Contains(userUnits(), unit) {
			delete(t.Metrics, unit)
		}
	}
	t.Withheld = nil // of units that a search does not have
	return t, nil
}

// userUnits are what can be compared of stacks that each serve as many users as they can.
func userUnits() []string {
	return []string{"users", "tok/s", "goodput-rps", "batch-mean", "max-batch", "cpu-util", "mem-MB", "gpu-util", "gpu-mem-MB", "J/answer", "client-cpu-%"}
}

func (u *userSearch) told() *results.Knee {
	limits := u.run.env.group.Limits
	return &results.Knee{TTFTMS: milliseconds(limits.TTFT), ITLMS: milliseconds(limits.ITL), Probes: u.probes}
}

func (u *userSearch) withheld(ctx context.Context, t results.Trial, why string) results.Trial {
	t.Knee, t.Withheld = u.told(), map[string]string{"users": why}
	t.Server = u.leaf.facts(ctx, u.server)
	return t
}

// enough ends a search whose bracket holds no further number of users.
type enough struct{ found search.Bracket }

func (e *enough) Error() string { return "no number of users lies between" }

// holds measures a number of users. One that lies between two neighbours was
// measured already.
func (u *userSearch) holds(ctx context.Context, load float64) (bool, error) {
	users := int(math.Round(load))
	for _, p := range u.probes {
		if p.Users == users {
			return p.Holds, u.between()
		}
	}
	got, err := u.measure(ctx, users)
	if err != nil {
		return false, err
	}
	probe, doubt := u.judge(users, got)
	u.probes = append(u.probes, probe)
	if probe.Holds && (u.best == nil || users > u.best.windows[0].Conns) {
		u.best = &got
	}
	if doubt != "" && (!probe.Holds || u.run.env.options.Profile.Strict()) {
		return false, &doubtful{doubt}
	}
	return probe.Holds, u.between()
}

// between ends the search when the most users that held and the fewest that did
// not are neighbours.
func (u *userSearch) between() error {
	holds, fails := 0, math.MaxInt
	for _, p := range u.probes {
		if p.Holds {
			holds = max(holds, p.Users)
		}
	}
	for _, p := range u.probes {
		if !p.Holds && p.Users > holds {
			fails = min(fails, p.Users)
		}
	}
	if holds > 0 && fails == holds+1 {
		return &enough{search.Bracket{Holds: float64(holds), Fails: float64(fails)}}
	}
	return nil
}

// judge says whether the limits held, and whether that must be doubted.
func (u *userSearch) judge(users int, got taken) (p results.Probe, doubt string) {
	p = results.Probe{Users: users, Requests: got.sum.Issued}
	p.Rps, _ = got.sum.Value("rps")
	p.Within = within(got.windows, u.run.env.group.Limits)
	need := usersQuick
	if u.run.env.options.Profile.Strict() {
		need = usersSample
	}
	for _, why := range got.sum.Invalid {
		if why.Rule == meter.RuleFailed {
			p.Why = why.Text
			return p, ""
		}
	}
	switch {
	case p.Within < usersWithin:
		p.Why = fmt.Sprintf("%.0f %% of the answers came within the limits, under %.0f %%", 100*p.Within, 100*usersWithin)
	case got.sum.Issued < need:
		p.Why = fmt.Sprintf("%d answers in the window, and %d are needed", got.sum.Issued, need)
		return p, p.Why
	default:
		p.Holds = true
		if len(got.sum.Invalid) > 0 {
			p.Why = got.sum.Invalid[0].Text
		}
	}
	if !p.Holds {
		return p, ""
	}
	return p, p.Why
}

// within is the share of the requests whose answers came within the limits.
func within(windows []meter.Window, limits Limits) float64 {
	good, all := 0, 0
	for _, w := range windows {
		for _, r := range w.Records {
			all++
			ttft, streamed := meter.TTFT(r, false)
			itl, defined, _ := meter.ITL(r)
			if streamed && ttft <= limits.TTFT && defined && itl <= limits.ITL {
				good++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(good) / float64(all)
}

// measure takes one window, long enough for the answers that a probe needs if
// they come just within the limits.
func (u *userSearch) measure(ctx context.Context, users int) (taken, error) {
	o := u.run.env.options
	eye := u.leaf.watch(u.server, u.run.env.devices)
	eye.evidence.Ready = u.server.boot.ReadyIn
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	p := o.pace(o.closed(users, eye.marks(ctx)), u.text, users)
	need := usersQuick
	if o.Profile.Strict() {
		need = usersSample
	}
	// A server that computes one text after the other gives no more of them to many
	// users than to one.
	p.Window = min(usersLongest, max(p.Window, u.text*time.Duration(need)*13/10))
	res, err := load.Run(ctx, p, u.work.target, clock)
	if err != nil {
		return taken{}, err
	}
	if err := u.server.boot.Alive(); err != nil {
		return taken{}, err
	}
	win := u.run.env.group.window(u.leaf.c, res, u.work, users)
	return u.run.summarise(u.leaf, outcome{u.work, eye, []meter.Window{win}}), eye.problem
}
