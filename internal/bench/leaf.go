package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/gpu"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
	"stackbench/internal/unit"
	"stackbench/internal/wire/http1"
)

// measure takes one leaf's windows, one an iteration of b.Loop, pooled into
// one sample, and reports it.
func (r *run) measure(ctx context.Context, b *testing.B, l leaf) (results.Trial, error) {
	t := results.Trial{Name: l.name.String(), Trial: r.env.options.Record.Trial, Started: time.Now().UTC()}
	s, err := l.session.server(ctx, l.c, l.how, r.env.footprint(l.c))
	if err != nil {
		return t, err
	}
	w, err := r.env.prepareWork(l.c, l.how, l.session.model.served, s.endpoint)
	if err != nil {
		return t, err
	}
	defer func() { _ = w.close() }()
	eye := l.watch(s, r.env.devices)
	eye.batch = joined(eye.batch, eye.source.Most(ctx))
	eye.evidence.Ready, eye.evidence.NeedSteady = s.boot.ReadyIn, r.env.options.Profile.Strict()
	eye.evidence.MayShare = l.c.Share
	if r.env.footprint(l.c) {
		if eye.evidence.Footprint, err = w.footprint(ctx, s, l.c.Batch); err != nil {
			return t, cause(s, err)
		}
	}
	s.used = true
	switch {
	case l.c.Load.Users:
		return r.seek(ctx, b, l, t, s, unit.Users, &userSearch{probing: probing{run: r, leaf: l, server: s, work: w}})
	case l.c.Load.Limit > 0:
		return r.seek(ctx, b, l, t, s, unit.KneeRps, &kneeSearch{probing: probing{run: r, leaf: l, server: s, work: w}})
	}
	windows, err := r.windows(ctx, b, l, w, eye)
	if err != nil {
		return t, cause(s, err)
	}
	k, err := r.prove(ctx, l, r.summarise(l, outcome{w, eye, windows}))
	if err != nil {
		return t, cause(s, err)
	}
	k.sum.Report(b)
	return r.conclude(ctx, l, k, t), nil
}

// searcher looks for the highest load that holds a limit.
type searcher interface {
	search(ctx context.Context, t results.Trial) (results.Trial, error)
}

// seek runs a search, an iteration of b.Loop each, and reports the unit that it sought.
func (r *run) seek(ctx context.Context, b *testing.B, l leaf, t results.Trial, s *server, sought unit.Name, by searcher) (results.Trial, error) {
	for b.Loop() {
		var err error
		if t, err = by.search(ctx, t); err != nil {
			return t, cause(s, err)
		}
	}
	r.found(b, l, t, sought)
	return t, nil
}

// footprint says whether the memory of embedding texts is measured before the case.
func (e *environment) footprint(c Case) bool {
	return e.group.Footprint != nil && e.group.Footprint(c) && e.options.Record.Again == 0
}

// watch looks at a server while it is measured.
func (l leaf) watch(s *server, devices *gpu.Devices) *watch {
	return &watch{
		server: s, devices: devices, batch: l.c.Batcher.Max, live: l.session.env.live, name: l.name.String(), others: l.session.env.company(s.boot),
		source: telemetry.Source{
			Kind: l.session.stack.Tells, At: s.endpoint, Model: l.c.Model, Task: l.c.task(), Input: l.c.Input,
			Items: l.session.env.group.mean(l.c), Mixed: l.c.Batch == Mixed,
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

func (r *run) windows(ctx context.Context, b *testing.B, l leaf, w *work, eye *watch) ([]meter.Window, error) {
	p := l.c.plan(r.env.options, eye.marks(ctx))
	ctx, stop := whileAlive(ctx, eye.server.boot)
	defer stop()
	if l.c.task() == stack.TextGeneration {
		alone, err := w.textTime(ctx)
		if err != nil {
			return nil, err
		}
		p = r.env.options.pace(p, alone, l.c.Load.Conc)
	} else {
		var err error
		if p, err = r.lengthen(ctx, l, w, p); err != nil {
			return nil, err
		}
	}
	var windows []meter.Window
	for b.Loop() {
		win, err := r.quietly(ctx, l, w, eye, p)
		if err != nil {
			return nil, err
		}
		windows = append(windows, win)
	}
	return windows, eye.problem
}

// window is what load left of a plan, as it is measured.
func (g Group) window(c Case, res load.Result, w *work, p load.Plan) meter.Window {
	conns, open := p.Conns, p.Arrivals.Rate > 0
	if open {
		conns = 0 // they are no users
	}
	return meter.Window{
		Open: open, Records: res.Records, Length: res.Window, Conns: conns, Items: w.count, Rate: c.unit(), Texts: g.generated(c),
	}
}

// outcome is what a leaf's windows left.
type outcome struct {
	work    *work
	eye     *watch
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
func (r *run) summarise(l leaf, o outcome) taken {
	j := r.env.judge(l.session.model, l.c, l.session.stack)
	for _, win := range o.windows {
		o.work.examine(win.Records, l.c.Input, j)
	}
	verdict := j.Verdict()
	verdict.Of = o.answered()
	o.eye.evidence.Answers = &meter.Answers{OK: verdict.OK(), Reason: verdict.Reason()}
	return taken{outcome: o, sum: meter.Summarise(o.windows, o.eye.evidence), judge: j, verdict: verdict}
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
func (r *run) conclude(ctx context.Context, l leaf, k taken, t results.Trial) results.Trial {
	fill(&t, k.sum, k.windows)
	r.hlog = r.histograms(t.Started, k.windows)
	t.Foreign = k.eye.foreign()
	v := k.verdict
	t.Answers = results.Answers{Checked: v.Checked, Of: v.Of, Agree: v.Agree, Worst: v.Worst, Rule: v.Rule, Reasons: v.Reasons}
	t.Server = l.facts(ctx, k.eye.server)
	t.Stages = map[string]float64{}
	for _, stage := range k.sum.Breakdown {
		t.Stages[stage.Name] = stage.Mean.Seconds() * 1e3
	}
	t.Views, t.GPU = views(k), cardsOf(k.eye.gpus)
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
		return results.Server{Launcher: boot.Attach, Version: runtimeOf(ctx, s.endpoint), Source: unknownWeights}
	}
	return results.Server{
		Launcher: s.boot.Launcher, Image: s.boot.Image, Digest: s.boot.Digest, Version: runtimeOf(ctx, s.endpoint),
		ReadyS: s.boot.ReadyIn.Seconds(), Threads: s.threads, Cores: s.cores.String(),
		Source: l.session.model.Source, SHA256: l.session.model.SHA256,
	}
}

// runtimeOf asks the server what computes in it; "" when it does not say.
func runtimeOf(ctx context.Context, at stack.Endpoint) string {
	if at.REST == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var ours struct {
		Runtime string `json:"runtime"`
	}
	if tell(ctx, at.REST, "/healthz", &ours) && ours.Runtime != "" {
		return ours.Runtime
	}
	var oip struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	if tell(ctx, at.REST, "/v2", &oip) && oip.Version != "" {
		return oip.Name + " " + oip.Version
	}
	return engineOf(ctx, at)
}

// engineOf is what TEI and TGI say at one path, and vLLM at another.
func engineOf(ctx context.Context, at stack.Endpoint) string {
	var info struct {
		Version string `json:"version"`
		Router  string `json:"router"` // TGI's
		Most    int    `json:"max_batch_requests"`
	}
	switch {
	case tell(ctx, at.REST, "/info", &info) && info.Version != "" && info.Router != "":
		return "text-generation-inference " + info.Version
	case info.Version != "":
		return fmt.Sprintf("text-embeddings-inference %s, at most %d texts an execution", info.Version, info.Most)
	case tell(ctx, at.REST, "/version", &info) && info.Version != "":
		return "vllm " + info.Version
	}
	return ""
}

// tell reads what a server says of itself at a path; false when it does not.
func tell[T any](ctx context.Context, addr, path string, into *T) bool {
	reply := http1.Fetch(ctx, addr, http1.Request{Method: "GET", Path: path})
	return reply.Outcome == record.Good && json.Unmarshal(reply.Body, into) == nil
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
