package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"stackbench/internal/host"
	"stackbench/internal/results"
)

// resume takes what an interrupted run asked for from its folder, and refuses
// flags that ask for something else.
func (c chosen) resume(f *flag.FlagSet, dir string) error {
	given := map[string]string{}
	f.Visit(func(one *flag.Flag) { given[one.Name] = one.Value.String() })
	if err := c.restore(dir); err != nil {
		return err
	}
	var other []string
	f.Visit(func(one *flag.Flag) {
		if was, asked := one.Value.String(), given[one.Name]; was != asked {
			other = append(other, fmt.Sprintf("--%s %s, where it began with %s", one.Name, asked, was))
		}
	})
	if len(other) > 0 {
		return wrong("%s cannot be gone on with otherwise than it began: %s\nleave the flags out: what it asked for is taken from its folder", dir, strings.Join(other, "; "))
	}
	return nil
}

// unmoved refuses to go on with a run elsewhere than it began, before anything
// is fetched or built for it. What only a set-up shows is taken to be as it was.
func unmoved(ctx context.Context, dir string, asked choice) error {
	if dir == "" {
		return nil
	}
	old, err := results.Open(dir)
	if err != nil {
		return usageError{err}
	}
	here, err := host.Survey(asked.options)
	if err != nil {
		return err
	}
	now := here.Describe(ctx)
	now.Plan, now.Models, now.Skipped = old.Env.Plan, old.Env.Models, old.Env.Skipped
	return same(dir, now)
}

// same refuses to add to a run what is not of the same thing.
func same(dir string, env results.Env) error {
	if dir == "" {
		return nil
	}
	old, err := results.Open(dir)
	if err != nil {
		return usageError{err}
	}
	if d := results.Differences(old.Env, env); len(d) > 0 {
		return usageError{&results.Changed{Dir: dir, Differences: d}}
	}
	return nil
}
