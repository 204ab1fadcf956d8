package trial

import (
	"context"

	"stackbench"
	"stackbench/internal/boot"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/task"
	"stackbench/internal/unit"
	"stackbench/internal/workload"
)

// conclude writes the trial down.
func (r *Rig) conclude(ctx context.Context, l Leaf, k taken, t results.Trial) results.Trial {
	fill(&t, k.sum, k.windows)
	r.Histograms = r.histograms(t.Started, k.windows)
	t.Foreign = k.obs.foreign()
	v := k.verdict
	t.Answers = results.Answers{Checked: v.Checked, Of: v.Of, Agree: v.Agree, Worst: v.Worst, Rule: v.Rule, Reasons: v.Reasons}
	t.Server = l.facts(ctx, k.obs.server)
	t.Stages = map[string]float64{}
	for _, stage := range k.sum.Breakdown {
		t.Stages[stage.Name] = stage.Mean.Seconds() * 1e3
	}
	t.Views, t.GPU = views(k), cardsOf(k.obs.gpus)
	if g := l.Subject.model.Golden; g != nil && g.Trained() {
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
func (l Leaf) facts(ctx context.Context, s *host.Server) results.Server {
	if s.Boot.Launcher == boot.Attach {
		return results.Server{Launcher: boot.Attach, Version: host.RuntimeOf(ctx, l.Subject.Stack.Version, s.Endpoint), Source: host.UnknownWeights}
	}
	return results.Server{
		Launcher: s.Boot.Launcher, Image: s.Boot.Image, Digest: s.Boot.Digest, Version: host.RuntimeOf(ctx, l.Subject.Stack.Version, s.Endpoint),
		ReadyS: s.Boot.ReadyIn.Seconds(), Threads: s.Threads, Cores: s.Cores.String(),
		Source: l.Subject.model.Source, SHA256: l.Subject.model.SHA256,
	}
}

// accuracy is the share of labelled photographs that were classified right; 0
// where there are none.
func accuracy(j task.Judge) float64 {
	logits, ok := j.(*quality.Logits)
	if !ok {
		return 0
	}
	right, err := workload.Labels(stackbench.Testdata())
	if err != nil {
		return 0
	}
	a, ok := logits.Accuracy(right)
	if !ok || a.Labelled == 0 {
		return 0
	}
	return float64(a.Hits) / float64(a.Labelled)
}

// Withhold takes the numbers out of an invalid trial, and the raw times from
// which they could be computed again.
func Withhold(t *results.Trial) {
	if t.Withheld == nil {
		t.Withheld = map[unit.Name]string{}
	}
	for u := range t.Metrics {
		t.Withheld[u] = "the window is invalid: " + t.Invalid[0].Text
	}
	t.Metrics, t.Raw, t.GPU = nil, nil, nil
}
