package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	plan := search.Plan{First: usersFirst, Step: 2, Close: 1.1, Least: 1, Most: usersTries, Whole: true}
	found, err := search.Highest(ctx, plan, u.holds)
	var doubt *doubtful
	switch {
	case errors.As(err, &doubt):
		return u.withheld(ctx, t, doubt.Error()), nil
	case err != nil:
		return t, err
	case u.best == nil:
		return u.withheld(ctx, t, "the limits do not hold for one user: "+u.probes[len(u.probes)-1].Why), nil
	case !found.Narrow(plan):
		return u.withheld(ctx, t, fmt.Sprintf("not found in %d windows: the limits hold for %.0f users", usersTries, found.Holds)), nil
	}
	if *u.best, err = u.run.prove(ctx, u.leaf, *u.best); err != nil {
		return t, err
	}
	u.best.sum.Publish("users", found.Holds)
	t = u.run.conclude(ctx, u.leaf, *u.best, t)
	t.Knee = u.told()
	only(t.Metrics, userUnits())
	t.Withheld = nil // of units that a search does not have
	return t, nil
}

// userUnits are what can be compared of stacks that each serve as many users as they can.
func userUnits() []string {
	return []string{"users", "tok/s", "goodput-rps", "batch-mean", "max-batch", "cpu-util", "mem-MB", "gpu-util", "gpu-mem-MB", "J/answer", "J/item", "client-cpu-%"}
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

// holds measures a number of users.
func (u *userSearch) holds(ctx context.Context, load float64) (bool, error) {
	users := int(load)
	got, err := u.measure(ctx, users)
	if err != nil {
		return false, err
	}
	probe, doubt := u.judge(users, got)
	u.probes = append(u.probes, probe)
	if probe.Holds { // more than all before that held
		u.best = &got
	}
	if doubt != "" && (!probe.Holds || u.run.env.options.Profile.Strict()) {
		return false, &doubtful{doubt}
	}
	return probe.Holds, nil
}

// needs is how many answers a probe is judged by.
func (u *userSearch) needs() int {
	if u.run.env.options.Profile.Strict() {
		return usersSample
	}
	return usersQuick
}

// judge says whether the limits held, and whether that must be doubted.
func (u *userSearch) judge(users int, got taken) (p results.Probe, doubt string) {
	p = results.Probe{Users: users, Requests: got.sum.Issued}
	p.Rps, _ = got.sum.Value("rps")
	p.Within = within(got.windows, *u.run.env.group.generated(u.leaf.c))
	need := u.needs()
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
func within(windows []meter.Window, limits meter.Generation) float64 {
	good, all := 0, 0
	for _, w := range windows {
		for _, r := range w.Records {
			all++
			if limits.Hold(r, w.Open) {
				good++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(good) / float64(all)
}

// measure takes one window, long enough for the answers that a probe needs.
func (u *userSearch) measure(ctx context.Context, users int) (taken, error) {
	o := u.run.env.options
	eye := u.leaf.watch(u.server, u.run.env.devices)
	p := o.pace(o.closed(users, eye.marks(ctx)), u.text, users)
	// A server that computes one text after the other gives no more of them to many
	// users than to one.
	p.Window = min(usersLongest, max(p.Window, u.text*time.Duration(u.needs())*13/10))
	return u.run.probe(ctx, u.leaf, u.work, eye, p)
}
