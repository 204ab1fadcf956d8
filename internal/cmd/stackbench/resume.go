package main

import (
	"flag"
	"fmt"
	"strings"

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
