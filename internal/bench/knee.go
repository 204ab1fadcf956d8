package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/search"
)

const (
	kneeUsers        = 32               // of the closed loop that says where to begin
	kneeShare        = 0.7              // of its rate, tried first: at random times, a server is busy before it is full
	kneeRequests     = 750              // that a probe aims at: at random times 662 come for sure, and p99 needs them
	kneeLongest      = 90 * time.Second // of a probe, however slow the server
	kneeTries        = 10
	kneeUsual        = 5 // windows that it usually takes, of that many seconds where the server is no GPU's
	kneeUsualSeconds = 12.0
	p99Needs         = 662
)

// kneeSearch finds the highest rate of an open loop whose p99 holds the case's
// limit. Each rate is a window of its own, with its own evidence.
type kneeSearch struct {
	run    *run
	leaf   leaf
	server *server
	work   *work

	probes []results.Probe
	best   *taken // at the highest rate that held
}

// search brackets and bisects, and writes down what it found.
func (k *kneeSearch) search(ctx context.Context, t results.Trial) (results.Trial, error) {
	k.probes, k.best = nil, nil
	ctx, stop := whileAlive(ctx, k.server.boot)
	defer stop()
	capacity, err := k.capacity(ctx)
	if err != nil {
		return t, err
	}
	plan := search.Plan{First: kneeShare * capacity, Step: 1.25, Close: 1.1, Least: kneeShare * capacity / 4, Most: kneeTries}
	found, err := search.Highest(ctx, plan, k.holds)
	knee := &results.Knee{LimitMS: k.limitMS(), Capacity: capacity, Probes: k.probes}
	var doubt *doubtful
	switch {
	case errors.As(err, &doubt):
		return k.withheld(ctx, t, knee, doubt.Error()), nil
	case err != nil:
		return t, err
	case k.best == nil:
		last := k.probes[len(k.probes)-1]
		return k.withheld(ctx, t, knee, fmt.Sprintf("no rate held; at %.3g/s %s", last.Rate, last.Why)), nil
	case !found.Narrow(plan):
		return k.withheld(ctx, t, knee, fmt.Sprintf("not found to 10 %% in %d windows: it holds at %.3g/s", kneeTries, found.Holds)), nil
	}
	if *k.best, err = k.run.prove(ctx, k.leaf, *k.best); err != nil {
		return t, err
	}
	k.best.sum.Publish("knee-rps", found.Holds)
	t = k.run.conclude(ctx, k.leaf, *k.best, t)
	t.Knee = knee
	only(t.Metrics, kneeUnits())
	t.Withheld = nil // of units that a search does not have
	return t, nil
}

// kneeUnits are what can be compared of stacks that are each at their own knee.
func kneeUnits() []string {
	return []string{
		"knee-rps", "img/s", "emb/s", "batch-mean", "batch-eff", "max-batch", "queue-depth", "queue-ms",
		"cpu-util", "mem-MB", "gpu-util", "gpu-mem-MB", "J/answer", "J/item", "client-cpu-%",
	}
}

// withheld is a search that found nothing to publish, and why.
func (k *kneeSearch) withheld(ctx context.Context, t results.Trial, knee *results.Knee, why string) results.Trial {
	t.Knee, t.Withheld = knee, map[string]string{"knee-rps": why}
	t.Server = k.leaf.facts(ctx, k.server)
	return t
}

// found hands a search's metrics to the benchmark's result line, or says why
// there is none of what it sought.
func (r *run) found(b *testing.B, l leaf, t results.Trial, sought string) {
	if why := t.Withheld[sought]; why != "" {
		r.note("withheld %s: %s: %s", l.name, sought, why)
	}
	b.ReportMetric(0, "ns/op")
	for unit, v := range t.Metrics {
		b.ReportMetric(v, unit)
	}
}

func (k *kneeSearch) limitMS() float64 { return k.leaf.c.Load.Limit.Seconds() * 1e3 }

// capacity is what the server answers when there is always more to do. A rate
// somewhat under it is a good guess, and a guess is all it is used for.
func (k *kneeSearch) capacity(ctx context.Context) (float64, error) {
	o := k.run.env.options
	got, err := k.measure(ctx, func(marks load.Marks) load.Plan { return o.closed(kneeUsers, marks) })
	if err != nil {
		return 0, err
	}
	rate, ok := got.sum.Value("rps")
	if !ok {
		return 0, fmt.Errorf("no good answer to %d users: the search has no rate to begin with", kneeUsers)
	}
	return rate, nil
}

// holds measures a rate. A window that must not be believed is measured a
// second time; in a profile that is strict, a second one ends the search.
func (k *kneeSearch) holds(ctx context.Context, rate float64) (bool, error) {
	for again := range 2 {
		got, err := k.measure(ctx, func(marks load.Marks) load.Plan { return k.plan(rate, marks) })
		if err != nil {
			return false, err
		}
		probe, doubt := k.judge(rate, got.sum)
		k.probes = append(k.probes, probe)
		switch {
		case !probe.Holds && doubt != "":
			return false, &doubtful{doubt}
		case !probe.Holds:
			return false, nil
		case doubt == "" || again == 1 && !k.run.env.options.Profile.Strict():
			k.best = &got
			return true, nil
		}
	}
	return false, &doubtful{k.probes[len(k.probes)-1].Why}
}

// plan is an open loop that is long enough for a p99.
func (k *kneeSearch) plan(rate float64, marks load.Marks) load.Plan {
	p := k.run.env.options.open(rate, marks)
	p.Window = min(kneeLongest, max(p.Window, time.Duration(kneeRequests/rate*float64(time.Second))))
	return p
}

// judge says whether the limit held, and whether that must be doubted. A
// server that is overloaded makes arrivals late and drops them: that is its
// answer, not the client's failure.
func (k *kneeSearch) judge(rate float64, sum meter.Summary) (p results.Probe, doubt string) {
	p = results.Probe{Rate: rate, Requests: sum.Issued}
	p.Rps, _ = sum.Value("rps")
	p99, known := sum.Value("p99-ms")
	p.P99MS = p99
	broken := func(rule meter.Rule) string {
		for _, why := range sum.Invalid {
			if why.Rule == rule {
				return why.Text
			}
		}
		return ""
	}
	limit := k.limitMS()
	switch {
	case sum.Issued < p99Needs:
		p.Why = fmt.Sprintf("p99 needs %d requests, and in %v come %d", p99Needs, kneeLongest, sum.Issued)
		return p, p.Why
	case known && p99 > limit:
		p.Why = fmt.Sprintf("p99 was %.0f ms, over %.0f ms", p99, limit)
	case broken(meter.RuleFailed) != "":
		p.Why = broken(meter.RuleFailed)
	case broken(meter.RuleDropped) != "":
		p.Why = broken(meter.RuleDropped)
	case !known:
		p.Why = "its p99 falls on a failed request"
	default:
		p.Holds = true
		if len(sum.Invalid) > 0 {
			p.Why = sum.Invalid[0].Text
		}
	}
	if !p.Holds {
		return p, ""
	}
	return p, p.Why
}

// measure takes one window, with evidence of its own.
func (k *kneeSearch) measure(ctx context.Context, plan func(load.Marks) load.Plan) (taken, error) {
	eye := k.leaf.watch(k.server, k.run.env.devices)
	eye.evidence.NeedSteady = k.run.env.options.Profile.Strict()
	return k.run.probe(ctx, k.leaf, k.work, eye, plan(eye.marks(ctx)))
}

// probe takes one window of a search.
func (r *run) probe(ctx context.Context, l leaf, w *work, eye *watch, p load.Plan) (taken, error) {
	eye.evidence.Ready, eye.evidence.MayShare = eye.server.boot.ReadyIn, l.c.Share
	win, err := r.quietly(ctx, l, w, eye, p)
	if err != nil {
		return taken{}, err
	}
	return r.summarise(l, outcome{w, eye, []meter.Window{win}}), eye.problem
}

// only leaves a search's metrics that are of the units.
func only(metrics map[string]float64, units []string) {
	maps.DeleteFunc(metrics, func(unit string, _ float64) bool { return !slices.Contains(units, unit) })
}

// doubtful ends a search whose windows must not be believed.
type doubtful struct{ why string }

func (d *doubtful) Error() string { return d.why }
