package suite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stackbench/internal/stack"
)

// ParseStacks resolves a comma-separated list of stack names; "all" and "" mean
// the whole table. The error names the known ones.
func ParseStacks(list string, table []stack.Stack) ([]stack.Stack, error) {
	if list == "" || list == "all" {
		return table, nil
	}
	var chosen []stack.Stack
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(table, func(s stack.Stack) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown stack %q\nknown stacks: %s, all", name, strings.Join(stackNames(table), ", "))
		}
		if !slices.ContainsFunc(chosen, func(s stack.Stack) bool { return s.Name == name }) {
			chosen = append(chosen, table[i])
		}
	}
	return chosen, nil
}

func stackNames(table []stack.Stack) []string {
	var out []string
	for _, s := range table {
		out = append(out, s.Name)
	}
	return out
}

// Check refuses values that cannot be asked for: the first line of an error says what
// is wrong, the second what can be.
func (o Options) Check() error {
	return errors.Join(
		oneOf("device", o.Start.Device, "auto", "cpu", "gpu"),
		oneOf("launcher", o.Start.Launcher, "auto", "container", "process"),
		oneOf("weights", o.Start.Weights, "auto", "hub", "package", "seeded"),
		checkWindow(o.Window), checkTrial(o.Record.Trial))
}

func oneOf(name, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("unknown %s %q\nknown: %s", name, value, strings.Join(known, ", "))
}

// longestWindow: more is a slip of the hand.
const longestWindow = 24 * time.Hour

func checkWindow(d time.Duration) error {
	if d != 0 && d < time.Second {
		return fmt.Errorf("a window of %v is too short to measure anything\ngive at least 1s, such as -window=30s", d)
	}
	if d > longestWindow {
		return fmt.Errorf("a window of %v is too long\ngive at most %v, such as -window=5m", d, longestWindow)
	}
	return nil
}

func checkTrial(n int) error {
	if n < 1 {
		return fmt.Errorf("trial %d\ntrials are counted from 1", n)
	}
	return nil
}

// ParseLeaves is the profile whose cases are measured: a larger one than the
// profile itself has cases that no rule of this one is for.
func ParseLeaves(name string, of Profile) (Profile, error) {
	if name == "" {
		return of, nil
	}
	p, err := ParseProfile(name)
	if err == nil && p > of {
		err = fmt.Errorf("%s has fewer leaves than %s\nask for -profile=%s, with -leaves if need be", of, p, p)
	}
	return p, err
}
