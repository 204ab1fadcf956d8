package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"stackbench/internal/model"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// register declares the flags on f. Their values are read back by options.
func register(f *flag.FlagSet) {
	f.String("stacks", "all", "stacks to measure, comma separated; all: every one that this machine can run")
	f.String("models", "all", "models, comma separated; all: every one that the groups have")
	f.String("leaves", "", "quick or standard: only the leaves that this profile has, by the rules of -profile; empty: those of -profile")
	f.String("device", "auto", "auto, cpu or gpu")
	f.String("profile", "quick", "quick, standard or full")
	f.Duration("window", 0, "length of a measured window; 0: the profile's own (3s, 30s, 60s); in standard and full the least length: windows are as long as their requests need")
	f.String("launcher", "auto", "auto, container or process; auto: container where Docker works")
	f.String("weights", "auto", "auto, hub, package or seeded; auto: the first of these that can be had")
	f.String("out", "", "folder of a run to add raw records to")
	f.Int("trial", 1, "number of this trial; salts the inputs")
	f.Uint64("seed", 1, "salts the inputs")
	f.Int("live", 0, "file descriptor to tell how a window goes, one JSON object a second; 0: none")
	f.Int("again", 0, "measure the first windows of the stack, so many, a second time in the trial: what differs is the machine")
	f.Bool("with-parent", false, "end when standard input does: the process that started this one holds it")
	f.Bool("plan", false, "print what would be measured, one JSON object a line, and end")
}

// options reads the flags that register declared, and checks every one.
func options(f *flag.FlagSet, table []stack.Stack) (suite.Options, error) {
	text := func(name string) string { return f.Lookup(name).Value.String() }
	o := suite.Options{
		Start:  suite.Start{Device: text("device"), Launcher: text("launcher"), Weights: text("weights")},
		Window: get[time.Duration](f, "window"),
		Record: suite.Record{Folder: text("out"), Trial: get[int](f, "trial"), Seed: get[uint64](f, "seed"), Again: get[int](f, "again"), Live: get[int](f, "live")},
		Plan:   get[bool](f, "plan"),
	}
	if f.NArg() > 0 { // a word that is no flag ends the flags: those behind it would be lost
		return suite.Options{}, fmt.Errorf("%q is no flag\nwrite every setting as -name=value", f.Arg(0))
	}
	var err error
	o.Profile, err = suite.ParseProfile(text("profile"))
	if err != nil {
		return suite.Options{}, err
	}
	if o.Only.Leaves, err = suite.ParseLeaves(text("leaves"), o.Profile); err != nil {
		return suite.Options{}, err
	}
	if o.Only.Models, err = parseModels(text("models")); err != nil {
		return suite.Options{}, err
	}
	o.Stacks, err = suite.ParseStacks(text("stacks"), table)
	return o, errors.Join(err, o.Check())
}

func get[T any](f *flag.FlagSet, name string) T {
	v, _ := f.Lookup(name).Value.(flag.Getter).Get().(T)
	return v
}

// parseModels resolves a comma-separated list of models; "all" and "" give none,
// which stands for all. The error names the known ones.
func parseModels(list string) ([]string, error) {
	if list == "" || list == "all" {
		return nil, nil
	}
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		m, err := model.Spec(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		out = append(out, m.Name)
	}
	return out, nil
}

// ParseOptions reads the flags of a benchmark binary, as Main does.
func ParseOptions(args []string, table []stack.Stack) (suite.Options, error) {
	f := flag.NewFlagSet("stackbench", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	register(f)
	if err := f.Parse(args); err != nil {
		return suite.Options{}, err
	}
	return options(f, table)
}
