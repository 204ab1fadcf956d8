package trial

import (
	"context"
	"fmt"
	"math"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

const (
	kneeUsers        = 32          // of the closed loop that says where to begin
	kneeRounds       = 4           // answers that each of them should have, for its rate to mean something
	kneeShare        = 0.7         // of its rate, tried first: at random times, a server is busy before it is full
	kneeTop          = 16          // times its rate, tried at most: an open loop has eight times the connections
	kneeTries        = 10          // rates at most
	kneeMost         = 20000       // requests of a probe
	kneeAnswers      = time.Minute // the longest closed loop
	kneeTarget       = 0.99        // share of the requests that must come within the limit: it is on the p99
	kneeSpare        = 1.1         // random arrivals may be fewer than asked for
	kneeUsual        = 5           // windows that it usually takes, of that many seconds where the server is no GPU's
	kneeUsualSeconds = 12.0
)

// kneeGoal is the highest rate of an open loop whose p99 holds the case's limit.
func kneeGoal() goal {
	return goal{
		kind:  suite.KneeLoad,
		unit:  unit.KneeRps,
		takes: 2,
		words: words{none: "no rate held", per: "/s"},
		begin: func(ctx context.Context, s *seeker) (search.Plan, error) {
			capacity, err := s.capacity(ctx)
			s.found = results.Knee{LimitMS: milliseconds(s.leaf.Case.Load.Limit), Capacity: capacity}
			first := kneeShare * capacity
			return search.Plan{First: first, Step: 1.25, Close: 1.1, Least: first / 4, Top: kneeTop * capacity, Most: kneeTries}, err
		},
		rule: kneeRule,
		plan: func(s *seeker, rate float64, rule search.Rule, marks load.Marks) load.Plan {
			p := open(s.rig.Options, rate, marks) // long enough to show that the limit holds
			p.Window = max(p.Window, time.Duration(kneeSpare*float64(rule.First())/rate*float64(time.Second)))
			return p
		},
		count: func(s *seeker, w meter.Window) search.Share {
			took := func(r record.Record) time.Duration { return r.Last - r.Intended }
			return tally(w.Records,
				func(r record.Record) bool { return r.Outcome == record.Good && took(r) <= s.leaf.Case.Load.Limit },
				func(r record.Record) float64 { return math.Log(max(took(r).Seconds(), 1e-9)) })
		},
		probe: func(_ *seeker, rate float64, sum meter.Summary) results.Probe {
			p := results.Probe{Rate: rate}
			p.P99MS, _ = sum.Value(unit.P99)
			return p
		},
		why: func(s *seeker, p results.Probe) (within, fails string) {
			percent := func(share float64) string { return unit.Significant(100 * (1 - share)) }
			limit := milliseconds(s.leaf.Case.Load.Limit)
			within = fmt.Sprintf("%s %% of %d requests took over %.0f ms or failed (%s–%s %%)", percent(p.Within), p.Requests, limit, percent(p.High), percent(p.Low))
			if p.P99MS > limit {
				return within, fmt.Sprintf("p99 was %.0f ms, over %.0f ms", p.P99MS, limit)
			}
			return within, within
		},
	}
}

// kneeRule says how long a probe goes on: shorter where shorter windows were
// asked for. quick has the time for an indication.
func kneeRule(o suite.Options, _ float64) search.Rule {
	if o.Profile.Strict() {
		return search.Rule{Target: kneeTarget, Z: 2.24, Most: kneeMost, Longest: min(10*o.Length(), 5*time.Minute)}
	}
	return search.Rule{Target: kneeTarget, Z: 1.64, Most: kneeMost, Longest: min(15*o.Length(), 45*time.Second)}
}

// capacity is what the server answers when there is always more to do. A rate
// somewhat under it is a good guess, and a guess is all it is used for. A window
// in which the users had few answers each says little of that: then a second one
// is as long as it must be.
func (p *probing) capacity(ctx context.Context) (float64, error) {
	obs := p.rig.observe(p.leaf, p.server)
	plan := closed(p.rig.Options, kneeUsers, obs.marks(ctx))
	for again := range 2 {
		win, err := p.window(ctx, obs, plan)
		if err != nil {
			return 0, err
		}
		if few := len(win.Records) < kneeRounds*kneeUsers; few && again == 0 && win.Length < kneeAnswers {
			plan.Window = min(kneeAnswers, extension(kneeRounds*kneeUsers, len(win.Records), win.Length, kneeAnswers+win.Length))
			continue
		}
		if rate, ok := meter.Summarise([]meter.Window{win}, meter.Evidence{}).Value(unit.Rps); ok {
			return rate, nil
		}
		break
	}
	return 0, fmt.Errorf("no good answer to %d users: the search has no rate to begin with", kneeUsers)
}
