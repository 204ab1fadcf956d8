package trial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/unit"
)

const (
	spoiledTakes = 2 // samples of a load that fails while others disturb
	mostSpoiled  = 3 // loads that may be left open for that before a search ends: it goes up from each, since it may have held
)

// seeker searches for the load that a goal seeks. Each load is a sample of its
// own, with its own evidence.
type seeker struct {
	probing
	goal    goal
	sample  sampler
	found   results.Knee // as the trial keeps it
	best    *taken       // at the highest load that held, or was left open with more for it than against it
	at      float64      // that load
	spoiled int          // loads that failed while others disturbed
}

// sampler measures a load until a rule is content.
type sampler func(ctx context.Context, rule search.Rule, plan func(load.Marks) load.Plan, count func(meter.Window) search.Share) (taken, search.Share, error)

// newSeeker searches for a goal on a server.
func newSeeker(p probing, g goal) *seeker {
	s := &seeker{probing: p, goal: g}
	s.sample = s.probing.take
	return s
}

// seek runs a search, an iteration of b.Loop each, and reports the unit that it sought.
func (r *Rig) seek(ctx context.Context, b B, t results.Trial, s *seeker) (results.Trial, error) {
	for b.Loop() {
		var err error
		if t, err = s.search(ctx, t); err != nil {
			return t, cause(s.server, err)
		}
	}
	if why := t.Withheld[s.goal.unit]; why != "" {
		r.Note("withheld %s: %s: %s", s.leaf.Name, s.goal.unit, why)
	}
	b.ReportMetric(0, string(unit.NsPerOp))
	for u, v := range t.Metrics {
		b.ReportMetric(v, string(u))
	}
	return t, nil
}

// search brackets and bisects, and writes down what it found.
func (s *seeker) search(ctx context.Context, t results.Trial) (results.Trial, error) {
	ctx, stop := whileAlive(ctx, s.server.Boot)
	defer stop()
	found, why, err := s.find(ctx)
	if err != nil {
		return t, err
	}
	t.Knee = &s.found
	if why != "" {
		t.Withheld = map[unit.Name]string{s.goal.unit: why}
		t.Server = s.leaf.facts(ctx, s.server)
		return t, nil
	}
	if *s.best, err = s.rig.prove(ctx, s.leaf, *s.best); err != nil {
		return t, err
	}
	s.best.sum.Publish(s.goal.unit, found.Likely)
	t = s.rig.conclude(ctx, s.leaf, *s.best, t)
	kept := unit.Kept(s.goal.unit)
	maps.DeleteFunc(t.Metrics, func(u unit.Name, _ float64) bool { return !slices.Contains(kept, u) })
	t.Withheld = nil // of units that a search does not have
	return t, nil
}

// find searches; why is what keeps its answer from being published.
func (s *seeker) find(ctx context.Context) (b search.Bracket, why string, err error) {
	s.best, s.at, s.spoiled = nil, 0, 0
	plan, err := s.goal.begin(ctx, s)
	if err != nil {
		return b, "", err
	}
	b, err = search.Highest(ctx, plan, s.holds)
	s.found.Low, s.found.High = b.Holds, b.Fails
	if plan.Whole { // the most that may hold are one fewer than those that do not
		s.found.High = max(0, b.Fails-1)
	}
	var doubt *doubtful
	switch {
	case errors.As(err, &doubt):
		return b, doubt.why, nil
	case err != nil:
		return b, "", err
	}
	return b, s.unknown(plan, b), nil
}

// unknown is why a search's answer is not known; "" when it is.
func (s *seeker) unknown(plan search.Plan, b search.Bracket) string {
	words := s.goal.words
	switch {
	case s.best == nil:
		last := s.found.Probes[len(s.found.Probes)-1]
		if plan.Whole && b.Fails == plan.Least {
			return words.least + ": " + last.Why
		}
		return fmt.Sprintf("%s; at %.3g%s %s", words.none, max(last.Rate, float64(last.Users)), words.per, last.Why)
	case b.Fails == 0 && plan.Top > 0 && b.Holds >= plan.Top:
		return fmt.Sprintf("the limits hold for %.4g%s, and no more are tried", plan.Top, words.per)
	case !b.Known(plan):
		return "undecided: " + between(b, words.per)
	}
	return ""
}

// holds measures a load. A sample that must not be believed is measured again,
// as often as the goal says; in a profile that is strict, the last one ends the
// search. A load that fails while others disturb is measured again, too, and
// left open when they still do.
func (s *seeker) holds(ctx context.Context, at float64) (search.Answer, error) {
	o := s.rig.Options
	rule := s.goal.rule(o, at)
	for n := 1; ; n++ {
		got, share, err := s.sample(ctx, rule,
			func(m load.Marks) load.Plan { return s.goal.plan(s, at, rule, m) },
			func(w meter.Window) search.Share { return s.goal.count(s, w) })
		if err != nil {
			return search.Fails, err
		}
		probe, answer := s.judge(at, rule, got.sum, share)
		s.found.Probes = append(s.found.Probes, probe)
		doubt, takes := unbelieved(rule.Decide(share), got.sum), s.goal.takes
		if answer == search.Unlikely {
			takes = spoiledTakes
		}
		switch {
		case doubt != "" && n < takes:
			continue
		case doubt != "" && answer == search.Unlikely:
			if s.spoiled++; s.spoiled == mostSpoiled {
				return answer, &doubtful{probe.Why}
			}
		case answer >= search.Likely && at > s.at:
			s.best, s.at = &got, at
		}
		if doubt != "" && answer >= search.Likely && o.Profile.Strict() {
			return answer, &doubtful{doubt}
		}
		return answer, nil
	}
}

// judge says whether the limit held, as far as the sample can tell. A server
// that is overloaded makes arrivals late and drops them: that is its answer, not
// the client's failure.
func (s *seeker) judge(at float64, rule search.Rule, sum meter.Summary, share search.Share) (results.Probe, search.Answer) {
	p := s.goal.probe(s, at, sum)
	p.Rps, _ = sum.Value(unit.Rps)
	p, answer := noted(p, rule, share)
	within, fails := s.goal.why(s, p)
	doubt := unbelieved(answer, sum)
	switch {
	case answer == search.Fails && doubt != "":
		p.Open, p.Why = true, "undecided: "+within+", but "+doubt
		return p, search.Unlikely
	case answer == search.Fails:
		p.Why = fails
	case answer.Open():
		p.Why = "undecided: " + within
	}
	if doubt != "" {
		p.Why = doubt
	}
	return p, answer
}

// unbelieved is why a sample's answer must not be believed: a server that others
// disturbed may fail what it can do alone.
func unbelieved(answer search.Answer, sum meter.Summary) string {
	switch {
	case answer >= search.Likely:
		return doubted(sum)
	case answer == search.Fails:
		return disturbance(sum)
	}
	return ""
}

// disturbance is what others did in a window, where that makes it invalid.
func disturbance(sum meter.Summary) string {
	for _, why := range sum.Invalid {
		if why.Rule.Disturbed() {
			return why.Text
		}
	}
	return ""
}

// between is what a search knows that did not find its answer.
func between(b search.Bracket, per string) string {
	var parts []string
	if b.Holds > 0 {
		parts = append(parts, fmt.Sprintf("the limit holds at %.4g%s", b.Holds, per))
	}
	if b.Fails > 0 {
		parts = append(parts, fmt.Sprintf("it does not at %.4g%s", b.Fails, per))
	}
	if len(parts) == 0 {
		return "no load that was tried held or failed beyond doubt"
	}
	return strings.Join(parts, ", ")
}

// doubtful ends a search whose windows must not be believed.
type doubtful struct{ why string }

func (d *doubtful) Error() string { return d.why }
