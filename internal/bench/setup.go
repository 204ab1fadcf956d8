package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"

	"stackbench/internal/boot"
	"stackbench/internal/fetch"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

// ParseOptions reads the flags of a benchmark binary, as Main does.
func ParseOptions(args []string, table []stack.Stack) (Options, error) {
	f := flag.NewFlagSet("stackbench", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	register(f)
	if err := f.Parse(args); err != nil {
		return Options{}, err
	}
	return options(f, table)
}

// Reporter hears how setting up goes on.
type Reporter struct {
	Done     func(what string) // something is ready, with its size where it has one
	Download fetch.Progress
	Build    io.Writer // the builders' own words
}

// Setup fetches and builds everything that the leaves need: weights, ONNX
// Runtime, and each stack's image, environment or binary. It is repeatable:
// what is there is used. It returns what the numbers will be true for.
func Setup(ctx context.Context, o Options, leaves []plan.Leaf, r Reporter) (results.Env, error) {
	e, err := survey(o, Group{})
	if err != nil {
		return results.Env{}, err
	}
	if err := e.findLibrary(ctx, r.Download); err != nil {
		return results.Env{}, err
	}
	if e.libraryNote != "" {
		r.Done(e.libraryNote)
	}
	var stacks []string
	for _, l := range leaves {
		if l.Skip != "" {
			continue
		}
		if _, ok := e.models[l.Model]; !ok {
			m, err := e.prepare(ctx, l.Model, r.Download)
			if err != nil {
				return results.Env{}, err
			}
			r.Done(fmt.Sprintf("%s %s weights", l.Model, m.Source))
		}
		if !slices.Contains(stacks, l.Stack) {
			stacks = append(stacks, l.Stack)
		}
	}
	for _, s := range o.Stacks {
		if !slices.Contains(stacks, s.Name) {
			continue
		}
		if err := boot.Prepare(ctx, e.spec(s, stack.Model{}), r.Build); err != nil {
			return results.Env{}, fmt.Errorf("set up %s: %w", s.Name, err)
		}
		r.Done(s.Name)
	}
	return e.describe(ctx), nil
}

// State says whether a stack can run on this machine.
type State struct {
	Stack    stack.Stack
	Launcher string // container, process or attach
	Refusal  string // why it cannot run, and what to do; "" when it can
}

// Stacks says of every chosen stack whether it can run here. It starts nothing.
func Stacks(ctx context.Context, o Options) ([]State, error) {
	e, err := survey(o, Group{})
	if err != nil {
		return nil, err
	}
	var out []State
	for _, s := range o.Stacks {
		refusal, err := e.refusal(ctx, s)
		if err != nil {
			return nil, err
		}
		launcher := ""
		if refusal == "" {
			if launcher, err = boot.Resolve(ctx, e.spec(s, stack.Model{})); err != nil {
				return nil, err
			}
		}
		out = append(out, State{Stack: s, Launcher: launcher, Refusal: refusal})
	}
	return out, nil
}
