package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"stackbench/internal/runner"
)

// budgetFlag is the time that a run may take.
func budgetFlag(f *flag.FlagSet) *time.Duration {
	return f.Duration("budget", 0, "time for all trials, such as 1h: as many whole rounds, one trial of every stack each, as fit, at most 20 or --trials; 0: no limit")
}

// rounds is how many trials to plan: with a budget the most, until it is known
// how many fit.
func (c choice) rounds(budget time.Duration, asked int) (choice, error) {
	switch {
	case budget < 0:
		return c, wrong("a budget of %v\ngive the time for all trials, such as --budget 1h, or 0 for no limit", budget)
	case budget > 0 && asked == 0:
		c.trials = runner.MostRounds
	}
	return c, nil
}

// fit leaves as many trials in the plan as fit into the budget. A run that is
// gone on with has its trials already, and ends when the time is over.
func (p *prepared) fit(budget time.Duration, c *choice, resumed bool) error {
	if budget == 0 {
		return nil
	}
	round := runner.Round(p.jobs)
	n := runner.Budget{Limit: budget}.Fits(round)
	if n == 0 {
		return wrong("a round, one trial of every stack, takes about %s, and the budget is %s\ngive more, or ask for less: fewer --stacks, --group or --models, --leaves quick, a shorter --duration",
			runner.Clock(time.Duration(round*float64(time.Second))), runner.Clock(budget))
	}
	p.budget = budget
	if resumed {
		return nil
	}
	c.trials = min(c.trials, n)
	p.request.Trials = c.trials
	p.jobs = slices.DeleteFunc(p.jobs, func(j runner.Job) bool { return j.Trial > c.trials })
	return nil
}

// execute runs the jobs, in whole rounds where there is a budget.
func (p prepared) execute(ctx context.Context, out runner.Streams, ending <-chan struct{}, dir string, stderr io.Writer) error {
	if p.budget == 0 {
		return runner.Execute(ctx, p.binaries, p.jobs, p.request, out, ending)
	}
	over := func() bool { return runner.Ended(ctx, ending) != nil }
	rounds := runner.Rounds(p.jobs)
	done, err := runner.Budget{Limit: p.budget, Now: time.Now}.Spend(rounds, over, func(round []runner.Job) error {
		return runner.Execute(ctx, p.binaries, round, p.request, out, ending)
	})
	if done < len(rounds) && !over() {
		fmt.Fprintf(stderr, "budget  another round does not fit: %d of %d were measured; the rest: go tool stackbench run --resume %s\n", done, len(rounds), dir)
	}
	return err
}
