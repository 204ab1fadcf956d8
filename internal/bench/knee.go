package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/unit"
)

const (
	kneeUsers        = 32          // of the closed loop that says where to begin
	kneeRounds       = 4           // answers that each of them should have, for its rate to mean something
	kneeShare        = 0.7         // of its rate, tried first: at random times, a server is busy before it is full
	kneeTries        = 10          // rates at most
	kneeMost         = 20000       // requests of a probe
	kneeAnswers      = time.Minute // the longest closed loop
	kneeTarget       = 0.99        // share of the requests that must come within the limit: it is on the p99
	kneeSpare        = 1.1         // random arrivals may be fewer than asked for
	kneeUsual        = 5           // windows that it usually takes, of that many seconds where the server is no GPU's
	kneeUsualSeconds = 12.0
)

// kneeRule says how long a probe goes on: shorter where shorter windows were
// asked for. quick has the time for an indication.
func kneeRule(o Options) search.Rule {
	if o.Profile.Strict() {
		return search.Rule{Target: kneeTarget, Z: 2.24, Most: kneeMost, Longest: min(10*o.length(), 5*time.Minute)}
	}
	return search.Rule{Target: kneeTarget, Z: 1.64, Most: kneeMost, Longest: min(15*o.length(), 45*time.Second)}
}

// kneeSearch finds the highest rate of an open loop whose p99 holds the case's
// limit. Each rate is a sample of its own, with its own evidence.
type kneeSearch struct {
	probing
	probes []results.Probe
	best   *taken // at the highest rate that held, or was left open with more for it than against it
	rate   float64
}

// search brackets and bisects, and writes down what it found.
func (k *kneeSearch) search(ctx context.Context, t results.Trial) (results.Trial, error) {
	k.probes, k.best, k.rate = nil, nil, 0
	ctx, stop := whileAlive(ctx, k.server.boot)
	defer stop()
	capacity, err := k.capacity(ctx)
	if err != nil {
		return t, err
	}
	plan := search.Plan{First: kneeShare * capacity, Step: 1.25, Close: 1.1, Least: kneeShare * capacity / 4, Most: kneeTries}
	found, err := search.Highest(ctx, plan, k.holds)
	knee := &results.Knee{LimitMS: k.limitMS(), Capacity: capacity, Low: found.Holds, High: found.Fails, Probes: k.probes}
	var doubt *doubtful
	switch {
	case errors.As(err, &doubt):
		return k.withheld(ctx, t, knee, doubt.Error()), nil
	case err != nil:
		return t, err
	case k.best == nil:
		last := k.probes[len(k.probes)-1]
		return k.withheld(ctx, t, knee, fmt.Sprintf("no rate held; at %.3g/s %s", last.Rate, last.Why)), nil
	case !found.Known(plan):
		return k.withheld(ctx, t, knee, "undecided: "+between(found, "/s")), nil
	}
	if *k.best, err = k.run.prove(ctx, k.leaf, *k.best); err != nil {
		return t, err
	}
	k.best.sum.Publish(unit.KneeRps, found.Likely)
	t = k.run.conclude(ctx, k.leaf, *k.best, t)
	t.Knee = knee
	only(t.Metrics, unit.Kept(unit.KneeRps))
	t.Withheld = nil // of units that a search does not have
	return t, nil
}

// between is what a search knows that did not find its answer.
func between(b search.Bracket, what string) string {
	var parts []string
	if b.Holds > 0 {
		parts = append(parts, fmt.Sprintf("the limit holds at %.4g%s", b.Holds, what))
	}
	if b.Fails > 0 {
		parts = append(parts, fmt.Sprintf("it does not at %.4g%s", b.Fails, what))
	}
	switch len(parts) {
	case 0:
		return "no load that was tried held or failed beyond doubt"
	case 1:
		return parts[0]
	}
	return parts[0] + ", " + parts[1]
}

// withheld is a search that found nothing to publish, and why.
func (k *kneeSearch) withheld(ctx context.Context, t results.Trial, knee *results.Knee, why string) results.Trial {
	t.Knee, t.Withheld = knee, map[unit.Name]string{unit.KneeRps: why}
	t.Server = k.leaf.facts(ctx, k.server)
	return t
}

// found hands a search's metrics to the benchmark's result line, or says why
// there is none of what it sought.
func (r *run) found(b *testing.B, l leaf, t results.Trial, sought unit.Name) {
	if why := t.Withheld[sought]; why != "" {
		r.note("withheld %s: %s: %s", l.name, sought, why)
	}
	b.ReportMetric(0, string(unit.NsPerOp))
	for u, v := range t.Metrics {
		b.ReportMetric(v, string(u))
	}
}

func (k *kneeSearch) limitMS() float64 { return k.leaf.c.Load.Limit.Seconds() * 1e3 }

// capacity is what the server answers when there is always more to do. A rate
// somewhat under it is a good guess, and a guess is all it is used for. A window
// in which the users had few answers each says little of that: then a second one
// is as long as it must be.
func (k *kneeSearch) capacity(ctx context.Context) (float64, error) {
	eye := k.leaf.watch(k.server, k.run.env.devices)
	plan := k.run.env.options.closed(kneeUsers, eye.marks(ctx))
	for again := range 2 {
		win, err := k.window(ctx, eye, plan)
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

// holds measures a rate. A sample that must not be believed is measured a
// second time; in a profile that is strict, a second one ends the search.
func (k *kneeSearch) holds(ctx context.Context, rate float64) (search.Answer, error) {
	rule := kneeRule(k.run.env.options)
	for again := range 2 {
		got, share, err := k.take(ctx, rule, func(m load.Marks) load.Plan { return k.plan(rate, rule, m) }, k.count)
		if err != nil {
			return search.Fails, err
		}
		probe, answer := k.judge(rate, rule, got.sum, share)
		k.probes = append(k.probes, probe)
		doubt := doubted(got.sum)
		switch {
		case answer <= search.Unlikely:
			return answer, nil
		case doubt == "" || again == 1 && !k.run.env.options.Profile.Strict():
			if rate > k.rate {
				k.best, k.rate = &got, rate
			}
			return answer, nil
		}
	}
	return search.Fails, &doubtful{k.probes[len(k.probes)-1].Why}
}

// plan is an open loop that is long enough to show that the limit holds.
func (k *kneeSearch) plan(rate float64, rule search.Rule, marks load.Marks) load.Plan {
	p := k.run.env.options.open(rate, marks)
	p.Window = max(p.Window, time.Duration(kneeSpare*float64(rule.First())/rate*float64(time.Second)))
	return p
}

// count is how many of a window's requests came within the limit.
func (k *kneeSearch) count(w meter.Window) search.Share {
	took := func(r record.Record) time.Duration { return r.Last - r.Intended }
	return tally(w.Records,
		func(r record.Record) bool { return r.Outcome == record.Good && took(r) <= k.leaf.c.Load.Limit },
		func(r record.Record) float64 { return math.Log(max(took(r).Seconds(), 1e-9)) })
}

// judge says whether the limit held, as far as the sample can tell. A server
// that is overloaded makes arrivals late and drops them: that is its answer, not
// the client's failure.
func (k *kneeSearch) judge(rate float64, rule search.Rule, sum meter.Summary, share search.Share) (results.Probe, search.Answer) {
	p := results.Probe{Rate: rate}
	p.Rps, _ = sum.Value(unit.Rps)
	p.P99MS, _ = sum.Value(unit.P99)
	p, answer := noted(p, rule, share)
	percent := func(share float64) string { return unit.Significant(100 * (1 - share)) }
	over := fmt.Sprintf("%s %% of %d requests took over %.0f ms or failed (%s–%s %%)", percent(p.Within), p.Requests, k.limitMS(), percent(p.High), percent(p.Low))
	switch {
	case answer.Open():
		p.Why = "undecided: " + over
	case answer == search.Fails && p.P99MS > k.limitMS():
		p.Why = fmt.Sprintf("p99 was %.0f ms, over %.0f ms", p.P99MS, k.limitMS())
	case answer == search.Fails:
		p.Why = over
	}
	if doubt := doubted(sum); doubt != "" && answer >= search.Likely {
		p.Why = doubt
	}
	return p, answer
}

// only leaves a search's metrics that are of the units.
func only(metrics map[unit.Name]float64, units []unit.Name) {
	maps.DeleteFunc(metrics, func(u unit.Name, _ float64) bool { return !slices.Contains(units, u) })
}

// doubtful ends a search whose windows must not be believed.
type doubtful struct{ why string }

func (d *doubtful) Error() string { return d.why }
