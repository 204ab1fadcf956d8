package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"stackbench/internal/boot"
	"stackbench/internal/fetch"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// Reporter hears how setting up goes on.
type Reporter struct {
	Done     func(what string) // something is ready, with its size where it has one
	Download fetch.Progress
	Build    io.Writer // the builders' own words
}

// Setup fetches and builds everything that the leaves need: weights, ONNX
// Runtime, and each stack's image, environment or binary. It is repeatable:
// what is there is used. It returns what the numbers will be true for, and as
// skipped the stacks whose image cannot be had here.
// The helpers, which are not measured but help to measure, are made ready too:
// while windows are measured nothing is built.
func Setup(ctx context.Context, o suite.Options, leaves []plan.Leaf, helpers []stack.Stack, r Reporter) (results.Env, error) {
	h, err := Survey(o)
	if err != nil {
		return results.Env{}, err
	}
	if err := h.FindLibrary(ctx, r.Download); err != nil {
		return results.Env{}, err
	}
	if h.libraryNote != "" {
		r.Done(h.libraryNote)
	}
	var stacks []string
	for _, l := range leaves {
		if l.Skip != "" {
			continue
		}
		if _, ok := h.ready(l.Model); !ok {
			m, err := h.Prepare(ctx, l.Model, r.Download)
			if err != nil {
				return results.Env{}, err
			}
			r.Done(fmt.Sprintf("%s %s weights", l.Model, m.Source))
		}
		if !slices.Contains(stacks, l.Stack) {
			stacks = append(stacks, l.Stack)
		}
	}
	if h.libraryNote == "" && len(stacks) > 0 {
		// The reference stack needs it to check answers: what is missing is said when it is asked for.
		if err := h.FetchLibrary(ctx, r.Download); err != nil {
			r.Done("no ONNX Runtime for reference answers: " + OneLine(err))
		} else {
			r.Done(h.libraryNote + ", for reference answers")
		}
	}
	skipped, err := h.prepareStacks(ctx, stacks, r)
	if err != nil {
		return results.Env{}, err
	}
	if err := h.prepareHelpers(ctx, helpers, r); err != nil {
		return results.Env{}, err
	}
	out := h.Describe(ctx)
	out.Skipped = skipped
	return out, nil
}

// builders is how many stacks are made ready at once: fetching and unpacking
// wait for the network and the disk more than for a core.
const builders = 3

// prepareStacks makes the named stacks ready, side by side but for those that
// are built on the same image. It returns those that cannot run here.
func (h *Host) prepareStacks(ctx context.Context, names []string, r Reporter) ([]results.Skip, error) {
	var specs []boot.Spec
	var roots []string
	chains := map[string][]boot.Spec{}
	for _, s := range h.Options.Stacks {
		if !slices.Contains(names, s.Name) {
			continue
		}
		spec, root := h.spec(s, stack.Model{}), s.Name
		if s.Container != nil {
			root = s.Container.Images[h.Device].Root()
		}
		if chains[root] == nil {
			roots = append(roots, root)
		}
		specs, chains[root] = append(specs, spec), append(chains[root], spec)
	}
	if err := boot.Room(ctx, specs); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(builders)
	var said sync.Mutex
	var skipped []results.Skip
	for _, root := range roots {
		group.Go(func() error {
			for _, spec := range chains[root] {
				name := spec.Stack.Name
				err := boot.Prepare(ctx, spec, r.Build)
				why, skip := Skippable(err)
				if err != nil && !skip {
					return fmt.Errorf("set up %s: %w", name, err)
				}
				said.Lock()
				if skip {
					skipped = append(skipped, results.Skip{What: name, Why: why})
					r.Done(name + " is skipped: " + why)
				} else {
					r.Done(name)
				}
				said.Unlock()
			}
			return nil
		})
	}
	return skipped, group.Wait()
}

// prepareHelpers makes the stacks ready that help to measure, as sessions start
// them. One that cannot be had here is no error: what it helps with says so.
func (h *Host) prepareHelpers(ctx context.Context, helpers []stack.Stack, r Reporter) error {
	for _, s := range helpers {
		spec := h.spec(s, stack.Model{})
		spec.Launcher, spec.Run.Device = boot.Process, stack.CPU
		if err := boot.Prepare(ctx, spec, r.Build); err != nil {
			if ctx.Err() != nil {
				return errors.Join(err, context.Cause(ctx))
			}
			r.Done(s.Name + ", which helps to measure, is not ready: " + OneLine(err))
		}
	}
	return nil
}

// Skippable says whether err is a reason to skip rather than a failure.
func Skippable(err error) (string, bool) {
	var not *boot.Unavailable
	if errors.As(err, &not) {
		return not.Reason + ": " + not.Cure, true
	}
	return "", false
}

// Downloads prints a line a download, when it is complete.
func Downloads(w io.Writer) fetch.Progress {
	return func(s fetch.Step) {
		if s.Total > 0 && s.Done == s.Total {
			fmt.Fprintf(w, "# fetched %s, %.1f MB\n", s.Name, float64(s.Total)/1e6)
		}
	}
}
