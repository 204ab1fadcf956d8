package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/compare"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/runner"
	"stackbench/internal/turn"
	"stackbench/stacks"
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	f := flags("run", "run --group embeddings --stacks embedded,fastapi-onnxruntime --duration 30s", stderr)
	c := declare(f)
	root := f.String("results", "results", "folder of runs")
	budget := budgetFlag(f)
	resume := f.String("resume", "", "folder of an interrupted run to go on with; what it asked for is taken from it")
	if err := parseAll(f, args); err != nil {
		return err
	}
	asked, err := c.asked(f, *resume, *budget)
	if err != nil {
		return err
	}
	if err := unmoved(ctx, *resume, asked); err != nil {
		return err
	}
	boot.EndWithGo()
	leave, err := turn.Take("stackbench run")
	if err != nil {
		return usageError{err}
	}
	defer leave()
	ctx, ending, release := runner.Signals(ctx)
	defer release()
	defer func() { err = interruption(ctx, ending, err) }()
	log, err := openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	early, cancel := whileNothingIsMeasured(ctx, ending)
	p, env, err := setUp(early, asked, stderr, log)
	cancel()
	if err != nil {
		return err
	}
	if err := p.fit(*budget, &asked, *resume != ""); err != nil {
		return err
	}
	env.Plan = asked.plan()
	if err := same(*resume, env); err != nil {
		return err
	}
	if len(p.jobs) == 0 {
		return wrong("nothing can be measured here: %s\nsee: go tool stackbench doctor", reasons(env.Skipped))
	}
	kept, err := folder(*root, *resume, env)
	if err != nil {
		return err
	}
	p.request.Folder = kept.Dir()
	if *resume != "" {
		if err := p.skipDone(*resume); err != nil {
			return err
		}
	}
	fmt.Fprintln(stderr, "plan    "+p.describe(asked))
	err = measure(ctx, p, kept, stderr, log, ending)
	return errors.Join(conclude(kept.Dir(), env, stdout), err, kept.Close())
}

// asked is what the flags or, of a run that is gone on with, its folder ask for.
func (c chosen) asked(f *flag.FlagSet, resume string, budget time.Duration) (asked choice, err error) {
	if resume != "" {
		if err := c.resume(f, resume); err != nil {
			return asked, err
		}
	}
	if asked, err = c.resolve(); err != nil {
		return asked, err
	}
	return asked.rounds(budget, *c.trials)
}

// restore takes what an interrupted run asked for from its folder.
func (c chosen) restore(dir string) error {
	old, err := results.Open(dir)
	if err != nil {
		return usageError{err}
	}
	*c.group, *c.stacks = strings.Join(old.Env.Plan.Groups, ","), strings.Join(old.Env.Plan.Stacks, ",")
	*c.profile, *c.trials, *c.seed = old.Env.Plan.Profile, old.Env.Plan.Trials, old.Env.Plan.Seed
	window := old.Env.Plan.Window
	for _, arg := range old.Env.Plan.Flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		for known, at := range map[string]*string{"device": c.device, "launcher": c.launcher, "weights": c.weights, "models": c.models, "leaves": c.leaves, "window": &window} {
			if name == known {
				*at = value
			}
		}
	}
	if *c.duration, err = time.ParseDuration(window); err != nil {
		return wrong("the plan of %s has no readable window %q\nstart a new run", dir, window)
	}
	return nil
}

// plan is the request as a run's folder keeps it, enough to go on with it.
func (c choice) plan() results.Plan {
	length := c.options.Profile.Window()
	if c.options.Window > 0 {
		length = c.options.Window
	}
	p := results.Plan{Profile: c.options.Profile.String(), Window: length.String(), Trials: c.trials, Seed: c.seed, Flags: c.args}
	for _, g := range c.groups {
		p.Groups = append(p.Groups, g.Name)
	}
	for _, s := range c.options.Stacks {
		p.Stacks = append(p.Stacks, s.Name)
	}
	return p
}

// folder makes the run's folder, or opens the one to go on with.
func folder(root, resume string, env results.Env) (*results.Log, error) {
	if resume == "" {
		return results.Create(root, env.Plan.Profile, env.Started, env)
	}
	kept, err := results.OpenLog(resume)
	if err != nil {
		return nil, err
	}
	if _, err := kept.Repair(); err != nil {
		return nil, err
	}
	return kept, nil
}

// skipDone leaves out of the plan what an interrupted run has measured.
func (p *prepared) skipDone(dir string) error {
	old, err := results.Open(dir)
	if err != nil {
		return usageError{err}
	}
	done := old.Done()
	var left []runner.Job
	for _, j := range p.jobs {
		j.Leaves = slices.DeleteFunc(slices.Clone(j.Leaves), func(l plan.Leaf) bool {
			return done[results.Done{Name: l.Name, Trial: j.Trial, Again: j.Again}]
		})
		if len(j.Leaves) > 0 {
			left = append(left, j)
		}
	}
	p.jobs = left
	return nil
}

func measure(ctx context.Context, p prepared, kept *results.Log, stderr io.Writer, log *os.File, ending <-chan struct{}) error {
	progress := runner.NewProgress(stderr, p.jobs, time.Now)
	progress.Terminal = onTerminal(stderr)
	out := runner.Streams{Bench: runner.NewResults(kept.Bench()), Log: log, Observer: progress}
	err := p.execute(ctx, out, ending, kept.Dir(), stderr)
	if runner.Ended(ctx, ending) != nil {
		fmt.Fprintf(stderr, "ended early; go on with: go tool stackbench run --resume %s\n", kept.Dir())
	}
	var lost *runner.Lost
	switch {
	case errors.As(err, &lost): // the words name what is lost, where, and the cure
		return err
	case err != nil:
		return fmt.Errorf("not everything was measured: %w\nthe whole log: %s", err, log.Name())
	}
	return nil
}

// conclude prints the table and where everything is.
func conclude(dir string, env results.Env, stdout io.Writer) error {
	kept, err := results.Open(dir)
	if err != nil {
		return err
	}
	if len(kept.Trials) == 0 {
		return nil
	}
	table, err := compare.Stacks(kept)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout)
	if err := table.Text(stdout); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Results: %s", dir)
	if more := others(env.Plan.Stacks); len(more) > 0 {
		fmt.Fprintf(stdout, "   More stacks: %s (make bench STACKS=all)", strings.Join(more, " "))
	}
	fmt.Fprintln(stdout)
	return nil
}

// others are the stacks of the table that were not asked for.
func others(asked []string) []string {
	var out []string
	for _, s := range stacks.All() {
		if !strings.Contains(","+strings.Join(asked, ",")+",", ","+s.Name+",") {
			out = append(out, s.Name)
		}
	}
	return out
}

func reasons(skipped []results.Skip) string {
	seen, out := map[string]bool{}, []string{}
	for _, s := range skipped {
		if !seen[s.Why] {
			seen[s.Why] = true
			out = append(out, s.Why)
		}
	}
	if len(out) == 0 {
		return "no stack serves what was asked for"
	}
	return strings.Join(out, "; ")
}
