package trial

import (
	"context"
	"fmt"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/unit"
)

const (
	usersFirst  = 4    // tried first
	usersTries  = 12   // numbers of users at most
	usersTop    = 4096 // users at most: each needs a connection, and a prompt of its own
	usersTarget = 0.95 // share of the answers that must be within the limits
	usersLeast  = 20   // answers of a probe
)

// usersGoal is the most users of a closed loop whose texts come within the group's limits.
func usersGoal() goal {
	var text time.Duration // that one takes a user who is alone
	return goal{
		kind:  suite.UsersLoad,
		unit:  unit.Users,
		takes: 1,
		words: words{none: "no number of users held", least: "the limits do not hold for one user", per: " users"},
		begin: func(ctx context.Context, s *seeker) (_ search.Plan, err error) {
			limits := s.rig.Group.Limits
			s.found = results.Knee{TTFTMS: milliseconds(limits.TTFT), ITLMS: milliseconds(limits.ITL)}
			text, err = s.work.TextTime(ctx)
			top := float64(min(usersTop, files()))
			return search.Plan{First: min(usersFirst, top), Step: 2, Close: 1.1, Least: 1, Top: top, Most: usersTries, Whole: true}, err
		},
		rule: usersRule,
		plan: func(s *seeker, users float64, _ search.Rule, marks load.Marks) load.Plan {
			o := s.rig.Options
			// Paced by how long a text takes; how many of them many users have at
			// once, the first window tells.
			p := task.Paced(o, closed(o, int(users), marks), text, int(users))
			p.Window = max(p.Window, min(2*text, task.TextLongest))
			return p
		},
		count: func(s *seeker, w meter.Window) search.Share {
			limits := *task.KindOf(s.leaf.Case.Task).Measured(s.rig.Group, s.leaf.Case)
			return tally(w.Records, func(r record.Record) bool { return limits.Hold(r, w.Open) }, func(r record.Record) float64 {
				itl, _, _ := meter.ITL(r)
				return itl.Seconds()
			})
		},
		probe: func(_ *seeker, users float64, _ meter.Summary) results.Probe { return results.Probe{Users: int(users)} },
		why: func(_ *seeker, p results.Probe) (within, fails string) {
			within = fmt.Sprintf("%.0f %% of %d answers came within the limits (%.0f–%.0f %%)", 100*p.Within, p.Requests, 100*p.Low, 100*p.High)
			return within, within + fmt.Sprintf(", under %.0f %%", 100*usersTarget)
		},
	}
}

// usersRule says how long a probe goes on: shorter where shorter windows were
// asked for. In standard, one user whose texts take four seconds has a hundred of
// them in it. quick has the time for an indication. Each user has a say.
func usersRule(o suite.Options, users float64) search.Rule {
	least := max(usersLeast, int(users))
	if o.Profile.Strict() {
		return search.Rule{Target: usersTarget, Z: 1.96, Least: least, Most: max(640, int(users)), Longest: min(16*o.Length(), 8*time.Minute)}
	}
	return search.Rule{Target: usersTarget, Z: 1.64, Least: least, Most: max(320, int(users)), Longest: min(40*o.Length(), 2*time.Minute)}
}
