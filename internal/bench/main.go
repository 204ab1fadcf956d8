package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"

	"stackbench/internal/boot"
	"stackbench/internal/host"
	"stackbench/internal/plan"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/trial"
	"stackbench/internal/turn"
	"stackbench/internal/unit"
)

// Main is a group's TestMain: it reads the flags, fetches what the group's
// models need, prints the lines that must stand before any result, and runs.
func Main(m *testing.M, g suite.Group, table []stack.Stack) {
	os.Exit(mainCode(m, g, table))
}

func mainCode(m *testing.M, g suite.Group, table []stack.Stack) int {
	register(flag.CommandLine)
	flag.Parse()
	o, err := options(flag.CommandLine, table)
	if err == nil {
		err = errors.Join(suite.CheckProfiles(o, g), host.CheckTasks(g))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if get[bool](flag.CommandLine, "with-parent") {
		boot.EndWith(os.Stdin)
	}
	if benchmarks() {
		boot.EndWithGo()
	}
	if !o.Plan && benchmarks() {
		leave, err := turn.Take("go test -bench")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		defer leave()
	}
	ctx, stop := boot.Guard(context.Background())
	defer stop()
	switch {
	case o.Plan:
		err = printPlan(ctx, o, g)
	case benchmarks():
		err = head(ctx, os.Stdout, o, g)
	}
	stop() // Run takes the signals over
	select {
	case <-boot.Ending(ctx): // nothing was measured yet that could be kept
		return boot.Interrupted
	default:
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if o.Plan {
		return 0
	}
	return m.Run()
}

// benchmarks says whether testing was asked for any.
func benchmarks() bool { return flag.Lookup("test.bench").Value.String() != "" }

func printPlan(ctx context.Context, o suite.Options, g suite.Group) error {
	h, err := host.Survey(o)
	if err != nil {
		return err
	}
	leaves, err := trial.Leaves(ctx, h, g.Only(o.Only))
	if err != nil {
		return err
	}
	return plan.Write(os.Stdout, leaves)
}

// head prepares the models, and prints the configuration and unit lines: what
// is the same for all stacks. Whatever differs from stack to stack is in the
// names, since a configuration line that changes splits benchstat's tables.
func head(ctx context.Context, w io.Writer, o suite.Options, g suite.Group) error {
	h, err := host.Survey(o)
	if err != nil {
		return err
	}
	for _, name := range g.Only(o.Only).Models(o.Profile) {
		if _, err := h.Prepare(ctx, name, host.Downloads(os.Stderr)); err != nil {
			return err
		}
	}
	if err := h.Describe(ctx).WriteConfig(w); err != nil {
		return err
	}
	return unit.Lines(w)
}
