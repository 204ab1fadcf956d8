package trial

import (
	"context"
	"time"

	"stackbench/internal/host"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/telemetry"
)

// Measure takes one leaf's windows, one an iteration of b.Loop, pooled into
// one sample, and reports it.
func (r *Rig) Measure(ctx context.Context, b B, l Leaf) (results.Trial, error) {
	t := results.Trial{Name: l.Name.String(), Trial: r.Options.Record.Trial, Started: time.Now().UTC()}
	s, err := l.Subject.Server(ctx, l.Case, l.How, footprints(r.Options, r.Group, l.Case))
	if err != nil {
		return t, err
	}
	w, err := r.Golden.Supply.Prepare(l.Case, l.How, l.Subject.model.Served, s.Endpoint)
	if err != nil {
		return t, err
	}
	defer func() { _ = w.Close() }()
	obs := r.observe(l, s)
	obs.batch = joined(obs.batch, obs.source.Most(ctx))
	obs.evidence.Ready, obs.evidence.NeedSteady = s.Boot.ReadyIn, r.Options.Profile.Strict()
	obs.evidence.MayShare = l.Case.Share
	if footprints(r.Options, r.Group, l.Case) {
		if obs.evidence.Footprint, err = footprint(ctx, w, s, l.Case.Batch); err != nil {
			return t, cause(s, err)
		}
	}
	s.Used = true
	if g, ok := goalOf(l.Case.Load); ok {
		return r.seek(ctx, b, t, newSeeker(probing{rig: r, leaf: l, server: s, work: w}, g))
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
func footprints(o suite.Options, g suite.Group, c suite.Case) bool {
	return g.Footprint != nil && g.Footprint(c) && o.Record.Again == 0
}

// observe looks at a server while it is measured.
func (r *Rig) observe(l Leaf, s *host.Server) *observation {
	return &observation{
		server: s, devices: r.Host.Devices, batch: l.Case.Batcher.Max, live: r.live, name: l.Name.String(), others: company(r.Host, s.Boot),
		source: telemetry.Source{
			Kind: l.Subject.Stack.Telemetry, At: s.Endpoint, Model: l.Case.Model, Texts: task.KindOf(l.Case.Task).Measured(r.Group, l.Case) != nil, Input: l.Case.Input,
			Items: r.Group.Mean(l.Case), Mixed: l.Case.Batch == suite.Mixed,
		},
	}
}

// cause prefers that the server ended to whatever that led to.
func cause(s *host.Server, err error) error {
	if ended := s.Boot.Alive(); ended != nil {
		return ended
	}
	return err
}

func (r *Rig) windows(ctx context.Context, b B, l Leaf, w *task.Work, obs *observation) ([]meter.Window, error) {
	p := planOf(l.Case, r.Options, obs.marks(ctx))
	ctx, stop := whileAlive(ctx, obs.server.Boot)
	defer stop()
	p, paced, err := task.KindOf(l.Case.Task).Pace(ctx, r.Options, w, p, l.Case.Load.Conc())
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
func windowOf(g suite.Group, c suite.Case, res load.Result, w *task.Work, p load.Plan) meter.Window {
	conns, open := p.Conns, p.Arrivals.Rate > 0
	if open {
		conns = 0 // they are no users
	}
	return meter.Window{
		Open: open, Records: res.Records, Length: res.Window, Conns: conns, Items: w.Count, Rate: task.KindOf(c.Task).Rate(), Texts: task.KindOf(c.Task).Measured(g, c),
	}
}

// outcome is what a leaf's windows left.
type outcome struct {
	work    *task.Work
	obs     *observation
	windows []meter.Window
}

// taken is what a leaf's windows say.
type taken struct {
	outcome
	sum     meter.Summary
	judge   task.Judge
	verdict quality.Verdict
}

// summarise judges the answers and measures the windows as one sample.
func (r *Rig) summarise(l Leaf, o outcome) taken {
	j := r.Golden.Judge(l.Subject.model, l.Case, l.Subject.Stack)
	for _, win := range o.windows {
		o.work.Examine(win.Records, l.Case.Input, j)
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
				n += o.work.Count(rec.Seq)
			}
		}
	}
	return n
}
