package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"stackbench/internal/bench"
	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/selftest"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/trial"
	"stackbench/internal/turn"
	"stackbench/internal/unit"
	"stackbench/internal/usage"
	"stackbench/stacks"
)

// longest bounds the real stack's part of the test, fetching and building
// included: it is said when it could not be had in that.
const longest = 3 * time.Minute

// selfTest holds the client to scripted servers on this machine, and says what
// the machine can tell apart.
func selfTest(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flags("selftest", "selftest", stderr)
	short := f.Bool("short", false, "a quarter of the time, and no real stack: fewer figures, and a rougher answer")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return wrong("selftest takes no %q\nsee: go tool stackbench selftest --help", f.Arg(0))
	}
	leave, err := turn.Take("stackbench selftest")
	if err != nil {
		return usageError{err}
	}
	defer leave()
	ctx, stop := boot.Guard(ctx)
	defer stop()
	all, err := cpuset.Usable()
	if err != nil {
		return fmt.Errorf("selftest: %w", err)
	}
	client, server, shared := sides(all, cpuset.Siblings, usage.Quota(os.Getpid()))
	for _, note := range []string{shared, pin(client)} {
		if note != "" {
			fmt.Fprintln(stderr, note)
		}
	}
	clock := load.SystemClock()
	defer func() { _ = clock.Close() }()
	report, err := selftest.Lab{
		Spawn: func(o fake.Order) (selftest.Server, error) { return fake.Spawn(o) },
		Clock: clock, Core: server[0], Short: *short, Summarise: meter.Summarise,
		Foreign: selftest.Watch(all, nil), Beside: selftest.WatchBeside(client, server[:1], nil), Again: embeddedAgain,
		Say: func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) },
	}.Run(ctx)
	if err != nil {
		return err
	}
	if err := report.Text(stdout); err != nil {
		return err
	}
	if n := len(report.Faults()); n > 0 {
		return fmt.Errorf("%d of the client's figures were not true on this machine now\nend what else runs here and do it again; where nothing does, the machine is too slow for its clock, or this is a fault of ours", n)
	}
	return nil
}

// sides are the cores of the client and of the servers, as benchmarks have them:
// physical cores go whole to one, and no more are used than a quota allows.
func sides(all cpuset.Set, siblings func(int) cpuset.Set, quota float64) (client, server cpuset.Set, note string) {
	return cpuset.Divide(cpuset.Within(cpuset.Physical(all, siblings), quota))
}

// pin keeps the client off the servers' cores, and says where it cannot.
func pin(client cpuset.Set) (note string) {
	note, err := cpuset.Pin(client)
	if err != nil {
		return fmt.Sprintf("the client could not be kept on cores %s: %v", client, err)
	}
	return note
}

// embeddedAgain measures embeddings on the embedded stack, which needs neither
// Docker nor Python.
func embeddedAgain(ctx context.Context, times int) ([]selftest.Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	o, err := bench.ParseOptions(nil, stacks.All())
	if err != nil {
		return nil, err
	}
	c := suite.Case{Task: stack.Embeddings, Model: "all-minilm-l6-v2", Proto: stack.REST, Input: stack.Text, Batch: 1, Load: suite.Closed(1)}
	sums, err := trial.Again(ctx, o, stacks.Reference(), c, times)
	if err != nil {
		return nil, err
	}
	var out []selftest.Sample
	for _, s := range sums {
		var one selftest.Sample
		one.P50, _ = s.Value(unit.P50)
		one.P95, _ = s.Value(unit.P95)
		one.Beside = s.Foreign
		out = append(out, one)
	}
	return out, nil
}
