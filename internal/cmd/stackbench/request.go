package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackbench/internal/bench"
	"stackbench/internal/boot"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/runner"
	"stackbench/internal/suite"
	"stackbench/stacks"
)

// choice is what setup and run are asked for.
type choice struct {
	groups  []runner.Group
	options suite.Options
	trials  int
	seed    uint64
	args    []string // for the benchmark binaries
}

// chosen holds the flags that setup and run share.
type chosen struct {
	group, stacks, models, leaves, device, profile, launcher, weights *string
	duration                                                          *time.Duration
	trials                                                            *int
	seed                                                              *uint64
}

// groupNames are those that a user may ask for.
func groupNames() string {
	var names []string
	for _, g := range runner.Groups() {
		names = append(names, g.Name)
	}
	return strings.Join(names, ", ")
}

func declare(f *flag.FlagSet) chosen {
	return chosen{
		group:    f.String("group", "all", groupNames()+" or all; comma separated"),
		stacks:   f.String("stacks", "all", "stacks, comma separated; all: every one that this machine can run"),
		models:   f.String("models", "all", "models, comma separated; all: every one that the groups have"),
		leaves:   f.String("leaves", "", "quick or standard: only the leaves that this profile has, by the rules of --profile; empty: those of --profile"),
		device:   f.String("device", "auto", "auto, cpu or gpu"),
		profile:  f.String("profile", "quick", "quick, standard or full"),
		launcher: f.String("launcher", "auto", "auto, container or process"),
		weights:  f.String("weights", "auto", "auto, hub, package or seeded"),
		duration: f.Duration("duration", 0, "length of a measured window, such as 30s or 5m; 0: the profile's. In standard and full the least length: windows are as long as their requests need"),
		trials:   f.Int("trials", 0, "fresh processes a stack; 0: the profile's (1, 6, 10)"),
		seed:     f.Uint64("seed", 0, "of the order of stacks and of the inputs' salt; 0: a new one"),
	}
}

// What more than these would be is a slip of the hand: no run of a year ends.
const (
	mostTrials   = 1000
	longestTrial = 24 * time.Hour
)

func (c chosen) bounds() error {
	switch {
	case *c.trials < 0:
		return wrong("%d trials\ngive 1 or more, or 0 for the profile's", *c.trials)
	case *c.trials > mostTrials:
		return wrong("%d trials are too many\ngive at most %d; 6 to 10 tell a difference of a few %%", *c.trials, mostTrials)
	case *c.duration > longestTrial:
		return wrong("a window of %v is too long\ngive at most %v, such as --duration 5m", *c.duration, longestTrial)
	case *c.duration < 0:
		return wrong("a window of %v\ngive at least 1s, such as --duration 30s, or 0 for the profile's", *c.duration)
	}
	return nil
}

// resolve checks everything that was asked for before anything is started.
func (c chosen) resolve() (choice, error) {
	var out choice
	var err error
	if out.groups, err = runner.ParseGroups(*c.group); err != nil {
		return out, usageError{err}
	}
	if err := c.bounds(); err != nil {
		return out, err
	}
	if err := variables(); err != nil {
		return out, err
	}
	out.seed = *c.seed
	if out.seed == 0 {
		out.seed = newSeed()
	}
	out.args = []string{
		"-device=" + *c.device, "-profile=" + *c.profile, "-launcher=" + *c.launcher, "-weights=" + *c.weights,
		"-window=" + c.duration.String(), "-stacks=" + *c.stacks, "-models=" + *c.models, "-leaves=" + *c.leaves, "-seed=" + strconv.FormatUint(out.seed, 10),
	}
	if out.options, err = bench.ParseOptions(out.args, stacks.All()); err != nil {
		return out, usageError{err}
	}
	out.trials = *c.trials
	if out.trials == 0 {
		out.trials = out.options.Profile.Trials()
	}
	return out, nil
}

// variables refuses those of the environment that are meant for a stack and name none.
func variables() error {
	names := []string{stacks.Null().Name}
	for _, s := range stacks.All() {
		names = append(names, s.Name)
	}
	if err := boot.Misnamed(os.Environ(), names); err != nil {
		return usageError{err}
	}
	return nil
}

// newSeed is one that no other run has. It keeps to 53 bits, which every reader
// of env.json takes in exactly, also one that takes all numbers for floats.
func newSeed() uint64 { return 1 + rand.Uint64N(1<<53-1) }

// prepared is a request whose binaries are compiled and whose jobs are known.
type prepared struct {
	binaries string
	jobs     []runner.Job
	skipped  []plan.Leaf
	request  runner.Request
	budget   time.Duration // 0: none
}

// compile builds the benchmarks into the cache and asks them what they would measure.
func (c choice) compile(ctx context.Context, log io.Writer) (prepared, error) {
	cache, err := boot.DefaultCache()
	if err != nil {
		return prepared{}, err
	}
	folder := filepath.Join(cache, "bin")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return prepared{}, fmt.Errorf("make the cache folder: %w\nset STACKBENCH_CACHE to a folder that you may write", err)
	}
	p := prepared{request: runner.Request{Groups: c.groups, Trials: c.trials, Seed: c.seed, Flags: c.args}}
	if p.binaries, err = runner.Compile(ctx, c.groups, folder, log); err != nil {
		return prepared{}, err
	}
	p.jobs, p.skipped, err = runner.Plan(ctx, p.binaries, p.request)
	return p, err
}

// leaveOut takes stacks that cannot run here out of the plan.
func (p *prepared) leaveOut(stacks []results.Skip) {
	p.jobs = slices.DeleteFunc(p.jobs, func(j runner.Job) bool {
		return slices.ContainsFunc(stacks, func(s results.Skip) bool { return s.What == j.Stack })
	})
}

// leaves are those of all jobs, those of the first trial alone.
func (p prepared) leaves() []plan.Leaf {
	var out []plan.Leaf
	for _, j := range p.jobs {
		if j.Trial == 1 && !j.Again {
			out = append(out, j.Leaves...)
		}
	}
	return out
}

// describe is the plan in one line, and how long it will take.
func (p prepared) describe(c choice) string {
	stacks, windows, seconds := map[string]bool{}, 0, 0.0
	for _, j := range p.jobs {
		stacks[j.Stack] = true
		windows += len(j.Leaves)
		seconds += j.Seconds()
	}
	length := c.options.Profile.Window()
	if c.options.Window > 0 {
		length = c.options.Window
	}
	least := ""
	if c.options.Profile.Strict() {
		least = "at least "
	}
	parts := []string{
		count(len(c.groups), "group"), count(len(stacks), "stack"),
		fmt.Sprintf("%s of %s%s, stacks interleaved, seed %d", count(windows, "window"), least, short(length), c.seed),
		"about " + runner.Clock(time.Duration(seconds*float64(time.Second))),
	}
	if c.trials > 1 {
		parts[1] += " · " + count(c.trials, "trial")
	}
	if p.budget > 0 {
		parts = append(parts, fmt.Sprintf("budget %s, fits %s", short(p.budget), runner.Evidence(c.trials)))
	}
	return strings.Join(parts, " · ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short writes a duration as a person does: 3s, 1m30s, 5m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
