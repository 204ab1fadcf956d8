// Package bench is testing's glue, which a group calls: flags, TestMain, and a
// sub-benchmark a leaf.
package bench

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"stackbench/internal/boot"
	"stackbench/internal/host"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/trial"
	"stackbench/internal/unit"
)

// Run measures every leaf of the group on every stack that the flags choose.
// One iteration of a leaf is one whole window. It ends the process, with all
// servers stopped, when the user asked for that or a record was lost: what
// testing knows to say is neither.
func Run(b *testing.B, g suite.Group, table []stack.Stack) {
	o, err := options(flag.CommandLine, table)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := boot.Guard(context.Background())
	defer stop()
	r, err := newRun(ctx, o, g)
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	r.stacks(ctx, b)
	r.close()
	if code := r.code(ctx); code != 0 {
		stop()
		os.Exit(code)
	}
}

// stacks measures every leaf on every stack.
func (r *run) stacks(ctx context.Context, b *testing.B) {
	o, g := r.Options, r.Group
	if len(r.Group.In(o.Profile)) == 0 { // testing would measure a benchmark without sub-benchmarks itself
		b.Skipf("no case of %s has a model that was chosen", g.Name)
	}
	for _, s := range o.Stacks {
		s = s.On(r.Host.Device)
		refusal, err := r.Host.Refusal(ctx, s)
		if err != nil {
			b.Error(err)
			continue
		}
		if refusal != "" {
			r.Note("skip %s: %s", trial.ServerName(s, "").Path(), refusal)
			continue
		}
		for _, m := range r.Group.Models(o.Profile) {
			if why := r.Group.NoneOn(s, m, o.Profile); why != "" { // testing would measure a benchmark without sub-benchmarks itself
				r.Note("skip %s: %s", trial.ServerName(s, m).Path(), why)
				continue
			}
			if !slices.ContainsFunc(r.Options.Cases(r.Group, s), func(c suite.Case) bool { return c.Model == m }) { // again, and not this one
				continue
			}
			b.Run(trial.ServerName(s, m).Path(), func(b *testing.B) { r.cases(ctx, b, s, m) })
		}
	}
	if len(r.wrong) > 0 { // not its leaf: testing prints no result of one that failed
		b.Errorf("the answers failed, so that what was measured is no result: %s", strings.Join(r.wrong, ", "))
	}
}

// run is one process's measuring.
type run struct {
	*trial.Rig
	log    *results.Log // nil: no raw records are kept
	done   map[results.Done]bool
	lost   error     // why a record could not be kept; then no more is measured
	marks  io.Writer // the results' own stream; nil: where testing writes
	marked map[string]bool
	wrong  []string // leaves whose answers failed
}

func newRun(ctx context.Context, o suite.Options, g suite.Group) (*run, error) {
	if err := suite.CheckProfiles(o, g); err != nil {
		return nil, err
	}
	h, err := host.Survey(o)
	if err != nil {
		return nil, err
	}
	r := &run{Rig: trial.NewRig(h, g.Only(o.Only), os.Stderr)}
	var kept []results.Trial
	if o.Record.Folder != "" {
		have, err := results.Open(o.Record.Folder)
		if err != nil {
			return nil, err
		}
		r.done, kept = have.Done(), have.Trials
		if r.log, err = results.OpenLog(o.Record.Folder); err != nil {
			return nil, err
		}
	}
	return r, r.Prepare(ctx, kept)
}

func (r *run) close() {
	if r.log != nil {
		if err := r.log.Close(); err != nil && r.lost == nil {
			r.lose(err)
		}
	}
	r.Flush()
}

// code is what the process has to end with; 0 leaves that to testing.
func (r *run) code(ctx context.Context) int {
	select {
	case <-boot.Ending(ctx):
		return boot.Interrupted
	default:
	}
	if r.lost != nil {
		return plan.Lost
	}
	return 0
}

// cases measures the leaves of one stack and model, which share a server.
func (r *run) cases(ctx context.Context, b *testing.B, s stack.Stack, name string) {
	m, err := r.Golden.Prepare(ctx, name)
	if err != nil {
		b.Fatal(err)
	}
	if note := r.Golden.StandIn(ctx, m); note != "" {
		r.Note("%s", note)
	}
	ses := r.Subject(s, m)
	defer func() {
		if err := ses.End(ctx); err != nil {
			r.Note("%v", err)
		}
		r.Flush()
	}()
	for _, c := range r.Options.Cases(r.Group, s) {
		if c.Model != name {
			continue
		}
		r.Flush()
		full := trial.NameOn(r.Host.Device, r.Group, s, c)
		how, err := r.Host.Capability(s, c)
		if err != nil {
			r.Note("skip %s: %v", full, err)
			continue
		}
		prefix := trial.ServerName(s, name).Path() + "/"
		b.Run(strings.TrimPrefix(full.Path(), prefix), func(b *testing.B) {
			r.leaf(ctx, b, trial.Leaf{Subject: ses, Case: c, How: how, Name: full})
		})
	}
}

func (r *run) leaf(ctx context.Context, b *testing.B, l trial.Leaf) {
	if r.ending(ctx) {
		b.Skip("the run is ending")
	}
	o := r.Options
	if r.done[results.Done{Name: l.Name.String(), Trial: o.Record.Trial, Again: o.Record.Again > 0}] {
		b.Skip("measured before the run was interrupted")
	}
	t, err := r.Measure(ctx, b, l)
	if err != nil {
		if reason, skip := host.Skippable(err); skip {
			if !l.Subject.SkipNoted { // the same holds for all that follow
				r.Note("skip %s: %s", trial.ServerName(l.Subject.Stack, l.Case.Model).Path(), reason)
			}
			l.Subject.SkipNoted = true
			b.Skip(reason)
		}
		if errors.Is(err, boot.ErrInterrupted) || context.Cause(ctx) != nil {
			b.Skip("interrupted")
		}
		_ = r.record(results.Trial{Name: l.Name.String(), Trial: o.Record.Trial, Started: t.Started, Error: host.OneLine(err)})
		b.Fatal(err)
	}
	t.Floor = r.Floor(ctx, l)
	strict := o.Profile.Strict() && len(t.Invalid) > 0
	if strict {
		trial.Withhold(&t)
	}
	if err := r.record(t); err != nil {
		b.Fatal(err)
	}
	r.mark(t)
	for _, why := range t.Invalid {
		r.Note("invalid %s: %s", l.Name, why.Text)
	}
	for _, why := range t.Doubts {
		r.Note("in doubt %s: %s", l.Name, why.Text)
	}
	if strict {
		b.Fatalf("invalid, so no number: %s", strings.Join(results.Texts(t.Invalid), "; "))
	}
}

func (r *run) ending(ctx context.Context) bool {
	return r.lost != nil || trial.IsEnding(ctx)
}

// record keeps the trial, with its histograms unless its numbers are withheld,
// and ends the run when that fails.
func (r *run) record(t results.Trial) error {
	if r.log == nil {
		return nil
	}
	t.Again = r.Options.Record.Again > 0
	var err error
	if len(r.Histograms) > 0 && len(t.Raw[unit.Response]) > 0 && !t.Again { // the pair tells the machine's noise, not the stack's course
		err = r.log.Histograms(t.Name, t.Trial, r.Histograms)
	}
	r.Histograms = nil
	if err == nil {
		err = r.log.Append(t)
	}
	if err != nil {
		r.lose(err)
	}
	return err
}

func (r *run) lose(err error) {
	r.lost = err
	r.Note("%v", err)
}
