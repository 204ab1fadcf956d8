package bench

import (
	"context"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/telemetry"
	"stackbench/internal/unit"
)

// measure takes one leaf's windows, one an iteration of b.Loop, pooled into
// one sample, and reports it.
func (r *rig) measure(ctx context.Context, b Bench, l leaf) (results.Trial, error) {
	t := results.Trial{Name: l.name.String(), Trial: r.options.Record.Trial, Started: time.Now().UTC()}
	s, err := l.session.server(ctx, l.c, l.how, footprints(r.options, r.group, l.c))
	if err != nil {
		return t, err
	}
	w, err := r.store.supply.prepare(l.c, l.how, l.session.model.served, s.endpoint)
	if err != nil {
		return t, err
	}
	defer func() { _ = w.close() }()
	obs := r.observe(l, s)
	obs.batch = joined(obs.batch, obs.source.Most(ctx))
	obs.evidence.Ready, obs.evidence.NeedSteady = s.boot.ReadyIn, r.options.Profile.Strict()
	obs.evidence.MayShare = l.c.Share
	if footprints(r.options, r.group, l.c) {
		if obs.evidence.Footprint, err = footprint(ctx, w, s, l.c.Batch); err != nil {
			return t, cause(s, err)
		}
	}
	s.used = true
	if g, ok := goalOf(l.c.Load); ok {
		return r.seek(ctx, b, t, newSeeker(probing{run: r, leaf: l, server: s, work: w}, g))
	}
	windows, err := r.windows(ctx, b, l, w, obs)
	if err != nil {
		return t, cause(s, err)
	}
	k, err := r.prove(ctx, l, r.summarise(l, outcome{w, obs, windows}))
	if err != nil {
		return t, cause(s, err)
	}
	k.sum.Report(b)
	return r.conclude(ctx, l, k, t), nil
}

// footprints says whether the memory of embedding texts is measured before the case.
func footprints(o Options, g Group, c Case) bool {
	return g.Footprint != nil && g.Footprint(c) && o.Record.Again == 0
}

// observe looks at a server while it is measured.
func (r *rig) observe(l leaf, s *server) *observation {
	return &observation{
		server: s, devices: r.env.devices, batch: l.c.Batcher.Max, live: r.live, name: l.name.String(), others: company(r.env, s.boot),
		source: telemetry.Source{
			Kind: l.session.stack.Telemetry, At: s.endpoint, Model: l.c.Model, Texts: kindOf(l.c.Task).measured(r.group, l.c) != nil, Input: l.c.Input,
			Items: r.group.mean(l.c), Mixed: l.c.Batch == Mixed,
		},
	}
}

// cause prefers that the server ended to whatever that led to.
func cause(s *server, err error) error {
	if ended := s.boot.Alive(); ended != nil {
		return ended
	}
	return err
}

func (r *rig) windows(ctx context.Context, b Bench, l leaf, w *work, obs *observation) ([]meter.Window, error) {
	p := planOf(l.c, r.options, obs.marks(ctx))
	ctx, stop := whileAlive(ctx, obs.server.boot)
	defer stop()
	p, paced, err := kindOf(l.c.Task).pace(ctx, r.options, w, p, l.c.Load.conc())
	if err == nil && !paced {
		p, err = r.lengthen(ctx, l, w, p)
	}
	if err != nil {
		return nil, err
	}
	var windows []meter.Window
	for b.Loop() {
		win, err := r.quietly(ctx, l, w, obs, p)
		if err != nil {
			return nil, err
		}
		windows = append(windows, win)
	}
	return windows, obs.problem
}

// windowOf is what load left of a plan, as it is measured.
func windowOf(g Group, c Case, res load.Result, w *work, p load.Plan) meter.Window {
	conns, open := p.Conns, p.Arrivals.Rate > 0
	if open {
		conns = 0 // they are no users
	}
	return meter.Window{
		Open: open, Records: res.Records, Length: res.Window, Conns: conns, Items: w.count, Rate: kindOf(c.Task).rate(), Texts: kindOf(c.Task).measured(g, c),
	}
}

// outcome is what a leaf's windows left.
type outcome struct {
	work    *work
	obs     *observation
	windows []meter.Window
}

// taken is what a leaf's windows say.
type taken struct {
	outcome
	sum     meter.Summary
	judge   judge
	verdict quality.Verdict
}

// summarise judges the answers and measures the windows as one sample.
func (r *rig) summarise(l leaf, o outcome) taken {
	j := r.store.judge(l.session.model, l.c, l.session.stack)
	for _, win := range o.windows {
		o.work.examine(win.Records, l.c.Input, j)
	}
	verdict := j.Verdict()
	verdict.Of = o.answered()
	o.obs.evidence.Answers = &meter.Answers{OK: verdict.OK(), Reason: verdict.Reason()}
	return taken{outcome: o, sum: meter.Summarise(o.windows, o.obs.evidence), judge: j, verdict: verdict}
}

// answered is how many items were answered well in the windows.
func (o outcome) answered() int {
	n := 0
	for _, w := range o.windows {
		for _, rec := range w.Records {
			if rec.Outcome == record.Good {
				n += o.work.count(rec.Seq)
			}
		}
	}
	return n
}

// conclude writes the trial down.
func (r *rig) conclude(ctx context.Context, l leaf, k taken, t results.Trial) results.Trial {
	fill(&t, k.sum, k.windows)
	r.hlog = r.histograms(t.Started, k.windows)
	t.Foreign = k.obs.foreign()
	v := k.verdict
	t.Answers = results.Answers{Checked: v.Checked, Of: v.Of, Agree: v.Agree, Worst: v.Worst, Rule: v.Rule, Reasons: v.Reasons}
	t.Server = l.facts(ctx, k.obs.server)
	t.Stages = map[string]float64{}
	for _, stage := range k.sum.Breakdown {
		t.Stages[stage.Name] = stage.Mean.Seconds() * 1e3
	}
	t.Views, t.GPU = views(k), cardsOf(k.obs.gpus)
	if g := l.session.model.golden; g != nil && g.Trained() {
		t.Answers.Accuracy = accuracy(k.judge)
	}
	return t
}

// fill is the part of a trial that the summary holds.
func fill(t *results.Trial, sum meter.Summary, windows []meter.Window) {
	t.Metrics, t.Withheld, t.Failed = map[unit.Name]float64{}, map[unit.Name]string{}, map[string]int{}
	for _, m := range sum.Metrics {
		t.Metrics[m.Unit] = m.Value
	}
	for _, h := range sum.Withheld {
		t.Withheld[h.Unit] = h.Reason
	}
	t.Invalid, t.Doubts = reasons(sum.Invalid), reasons(sum.Doubts)
	t.Steady, t.Unsteady = string(sum.Steady.Verdict), sum.Steady.Detail
	t.Issued, t.Raw = sum.Issued, map[unit.Series][]float64{}
	for series, times := range sum.Raw {
		t.Raw[series] = results.Microseconds(times)
	}
	for _, w := range windows {
		t.Seconds += w.Length.Seconds()
		for _, rec := range w.Records {
			if rec.Outcome != record.Good {
				t.Failed[rec.Kind()]++
			}
		}
	}
}

// reasons are broken rules as a trial keeps them.
func reasons(broken []meter.Reason) []results.Reason {
	var out []results.Reason
	for _, why := range broken {
		out = append(out, results.Reason{Rule: string(why.Rule), Text: why.Text})
	}
	return out
}

// facts is the part of a trial that says what was measured. Of a server that
// somebody else runs, nobody here knows its cores, threads and weights.
func (l leaf) facts(ctx context.Context, s *server) results.Server {
	if s.boot.Launcher == boot.Attach {
		return results.Server{Launcher: boot.Attach, Version: runtimeOf(ctx, l.session.stack.Version, s.endpoint), Source: unknownWeights}
	}
	return results.Server{
		Launcher: s.boot.Launcher, Image: s.boot.Image, Digest: s.boot.Digest, Version: runtimeOf(ctx, l.session.stack.Version, s.endpoint),
		ReadyS: s.boot.ReadyIn.Seconds(), Threads: s.threads, Cores: s.cores.String(),
		Source: l.session.model.Source, SHA256: l.session.model.SHA256,
	}
}

// accuracy is the share of labelled photographs that were classified right; 0
// where there are none.
func accuracy(j judge) float64 {
	logits, ok := j.(*quality.Logits)
	if !ok {
		return 0
	}
	right, err := labels()
	if err != nil {
		return 0
	}
	a, ok := logits.Accuracy(right)
	if !ok || a.Labelled == 0 {
		return 0
	}
	return float64(a.Hits) / float64(a.Labelled)
}
