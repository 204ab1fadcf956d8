package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/unit"
)

const (
	usersFirst  = 4    // tried first
	usersTries  = 12   // numbers of users at most
	usersTop    = 4096 // users at most: each needs a connection, and a prompt of its own
	usersTarget = 0.95 // share of the answers that must be within the limits
	usersLeast  = 20   // answers of a probe
)

// usersRule says how long a probe goes on: shorter where shorter windows were
// asked for. In standard, one user whose texts take four seconds has a hundred of
// them in it. quick has the time for an indication.
func usersRule(o Options) search.Rule {
	if o.Profile.Strict() {
		return search.Rule{Target: usersTarget, Z: 1.96, Least: usersLeast, Most: 640, Longest: min(16*o.length(), 8*time.Minute)}
	}
	return search.Rule{Target: usersTarget, Z: 1.64, Least: usersLeast, Most: 320, Longest: min(40*o.length(), 2*time.Minute)}
}

// userSearch finds the most users of a closed loop whose texts come within the
// group's limits. Each number of users is a sample of its own.
type userSearch struct {
	probing
	text   time.Duration // that one takes a user who is alone
	probes []results.Probe
	best   *taken // of the most users for whom the limits held, or rather held than not
	users  int
}

// search brackets and bisects, and writes down what it found.
func (u *userSearch) search(ctx context.Context, t results.Trial) (results.Trial, error) {
	u.probes, u.best, u.users = nil, nil, 0
	ctx, stop := whileAlive(ctx, u.server.boot)
	defer stop()
	var err error
	if u.text, err = u.work.textTime(ctx); err != nil {
		return t, err
	}
	top := min(usersTop, files())
	plan := search.Plan{First: min(usersFirst, float64(top)), Step: 2, Close: 1.1, Least: 1, Top: float64(top), Most: usersTries, Whole: true}
	found, err := search.Highest(ctx, plan, u.holds)
	knee := u.told(found)
	var doubt *doubtful
	switch {
	case errors.As(err, &doubt):
		return u.withheld(ctx, t, knee, doubt.Error()), nil
	case err != nil:
		return t, err
	case u.best == nil:
		return u.withheld(ctx, t, knee, "the limits do not hold for one user: "+u.probes[len(u.probes)-1].Why), nil
	case found.Fails == 0 && found.Holds >= float64(top):
		return u.withheld(ctx, t, knee, fmt.Sprintf("the limits hold for %d users, and no more are tried", top)), nil
	case !found.Known(plan):
		return u.withheld(ctx, t, knee, "undecided: "+between(found, " users")), nil
	}
	if *u.best, err = u.run.prove(ctx, u.leaf, *u.best); err != nil {
		return t, err
	}
	u.best.sum.Publish(unit.Users, found.Likely)
	t = u.run.conclude(ctx, u.leaf, *u.best, t)
	t.Knee = knee
	only(t.Metrics, unit.Kept(unit.Users))
	t.Withheld = nil // of units that a search does not have
	return t, nil
}

// told is the search as the trial keeps it. Users are whole: the most that may
// hold are one fewer than those for whom the limits do not.
func (u *userSearch) told(b search.Bracket) *results.Knee {
	limits := u.run.env.group.Limits
	return &results.Knee{
		TTFTMS: milliseconds(limits.TTFT), ITLMS: milliseconds(limits.ITL), Low: b.Holds, High: max(0, b.Fails-1), Probes: u.probes,
	}
}

func (u *userSearch) withheld(ctx context.Context, t results.Trial, knee *results.Knee, why string) results.Trial {
	t.Knee, t.Withheld = knee, map[unit.Name]string{unit.Users: why}
	t.Server = u.leaf.facts(ctx, u.server)
	return t
}

// holds measures a number of users.
func (u *userSearch) holds(ctx context.Context, users float64) (search.Answer, error) {
	rule := usersRule(u.run.env.options)
	rule.Least = max(rule.Least, int(users)) // each has a say
	rule.Most = max(rule.Most, int(users))
	got, share, err := u.take(ctx, rule, func(m load.Marks) load.Plan { return u.plan(int(users), m) }, u.count)
	if err != nil {
		return search.Fails, err
	}
	probe, answer := u.judge(int(users), rule, got.sum, share)
	u.probes = append(u.probes, probe)
	if answer < search.Likely {
		return answer, nil
	}
	if int(users) > u.users {
		u.best, u.users = &got, int(users)
	}
	if doubt := doubted(got.sum); doubt != "" && u.run.env.options.Profile.Strict() {
		return answer, &doubtful{doubt}
	}
	return answer, nil
}

// plan is a closed loop that is paced by how long a text takes; how many of them
// many users have at once, the first window tells.
func (u *userSearch) plan(users int, marks load.Marks) load.Plan {
	o := u.run.env.options
	p := o.pace(o.closed(users, marks), u.text, users)
	p.Window = max(p.Window, min(2*u.text, textLongest))
	return p
}

// count is how many of a window's answers came within the limits.
func (u *userSearch) count(w meter.Window) search.Share {
	limits := *u.run.env.group.generated(u.leaf.c)
	pace := func(r record.Record) float64 {
		itl, _, _ := meter.ITL(r)
		return itl.Seconds()
	}
	return tally(w.Records, func(r record.Record) bool { return limits.Hold(r, w.Open) }, pace)
}

// judge says whether the limits held, as far as the sample can tell.
func (u *userSearch) judge(users int, rule search.Rule, sum meter.Summary, share search.Share) (results.Probe, search.Answer) {
	p := results.Probe{Users: users}
	p.Rps, _ = sum.Value(unit.Rps)
	p, answer := noted(p, rule, share)
	within := fmt.Sprintf("%.0f %% of %d answers came within the limits (%.0f–%.0f %%)", 100*p.Within, p.Requests, 100*p.Low, 100*p.High)
	switch {
	case answer.Open():
		p.Why = "undecided: " + within
	case answer == search.Fails:
		p.Why = within + fmt.Sprintf(", under %.0f %%", 100*usersTarget)
	}
	if doubt := doubted(sum); doubt != "" && answer >= search.Likely {
		p.Why = doubt
	}
	return p, answer
}
