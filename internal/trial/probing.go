package trial

import (
	"context"
	"syscall"
	"time"

	"stackbench/internal/host"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/task"
)

// probing takes the windows of a search: of each load as many as it takes to
// say whether its limit holds.
type probing struct {
	rig    *Rig
	leaf   Leaf
	server *host.Server
	work   *task.Work
	taken  int // windows
}

// take measures a load until the rule is content, pooled as one sample. Each
// window is long enough for what the rule still wants.
func (p *probing) take(ctx context.Context, rule search.Rule, plan func(load.Marks) load.Plan, count func(meter.Window) search.Share) (taken, search.Share, error) {
	obs := p.rig.observe(p.leaf, p.server)
	obs.evidence.NeedSteady = p.rig.Options.Profile.Strict()
	obs.evidence.Ready, obs.evidence.MayShare = p.server.Boot.ReadyIn, p.leaf.Case.Share
	next := plan(obs.marks(ctx))
	next.Window = min(next.Window, max(rule.Longest, p.rig.Options.Length()))
	var windows []meter.Window
	var share search.Share
	var spent time.Duration
	for {
		win, err := p.window(ctx, obs, next)
		if err != nil {
			return taken{}, share, err
		}
		windows, share, spent = append(windows, win), share.Add(count(win)), spent+win.Length
		more := rule.More(share, spent)
		if more == 0 || obs.problem != nil {
			return p.rig.summarise(p.leaf, outcome{p.work, obs, windows}), share, obs.problem
		}
		next.Window = extension(more, share.All, spent, rule.Longest)
	}
}

// extension is about the time in which that many more requests come, of a load
// of which have came in spent; what is left of the longest at most.
func extension(more, have int, spent, longest time.Duration) time.Duration {
	want := spent // nothing came: as long again
	if have > 0 {
		want = time.Duration(float64(spent) * float64(more) / float64(have))
	}
	return max(min(want, longest-spent), min(time.Second, spent))
}

// window is one window of a load, with arrivals of its own.
func (p *probing) window(ctx context.Context, obs *observation, plan load.Plan) (meter.Window, error) {
	plan.Arrivals.Seed += uint64(p.taken) << 32
	p.taken++
	return p.rig.quietly(ctx, p.leaf, p.work, obs, plan)
}

// tally counts a window's requests that hold, and what they are worth: value is
// a figure of each good one that tells how alike neighbours are.
func tally(records []record.Record, holds func(record.Record) bool, value func(record.Record) float64) search.Share {
	share := search.Share{All: len(records)}
	var series []float64
	for _, r := range records {
		if holds(r) {
			share.Within++
		}
		if r.Outcome == record.Good {
			series = append(series, value(r))
		}
	}
	if len(series) > 0 { // failures are as alike as the rest
		share.Effective = search.Effective(series) * float64(len(records)) / float64(len(series))
	}
	return share
}

// noted fills the part of a probe that the share says.
func noted(p results.Probe, rule search.Rule, share search.Share) (results.Probe, search.Answer) {
	answer := rule.Decide(share)
	p.Requests, p.Within = share.All, share.Value()
	p.Low, p.High = share.Interval(rule.Z)
	p.Holds, p.Open = answer == search.Holds, answer.Open()
	return p, answer
}

// doubted is why a window must not be believed, beside what a server that has
// too much to do makes of it: it fails requests and lets arrivals drop.
func doubted(sum meter.Summary) string {
	for _, why := range sum.Invalid {
		if why.Rule != meter.RuleFailed && why.Rule != meter.RuleDropped {
			return why.Text
		}
	}
	return ""
}

// files is how many connections this process may open, with some left for
// everything else.
func files() int {
	const others = 256
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 1 << 30
	}
	return max(1, int(limit.Cur)-others)
}
