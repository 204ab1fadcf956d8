package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"stackbench/internal/boot"
	"stackbench/internal/fetch"
	"stackbench/internal/host"
	"stackbench/internal/results"
	"stackbench/internal/runner"
	"stackbench/internal/stack"
	"stackbench/stacks"
)

func setup(ctx context.Context, args []string, _, stderr io.Writer) (err error) {
	f := flags("setup", "setup --group embeddings --stacks embedded,fastapi-onnxruntime", stderr)
	c := declare(f)
	if err := parseAll(f, args); err != nil {
		return err
	}
	asked, err := c.resolve()
	if err != nil {
		return err
	}
	ctx, ending, release := runner.Signals(ctx)
	defer release()
	whole := ctx
	defer func() { err = interruption(whole, ending, err) }()
	ctx, cancel := whileNothingIsMeasured(ctx, ending)
	defer cancel()
	log, err := openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	_, _, err = setUp(ctx, asked, stderr, log)
	return err
}

// interruption is the error of a command that a signal may have ended: that it
// did is what its exit code tells, whatever went wrong because of it.
func interruption(ctx context.Context, ending <-chan struct{}, err error) error {
	by := runner.Ended(ctx, ending)
	if by == nil || err != nil && errors.As(err, new(*runner.Lost)) {
		return err
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return by
	}
	return fmt.Errorf("%w: %w", by, err)
}

// whileNothingIsMeasured makes the first Ctrl-C end the work at once: there is
// no window yet that could be kept.
func whileNothingIsMeasured(ctx context.Context, ending <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// setUp says what is checked and made ready, a line each.
func setUp(ctx context.Context, c choice, stderr io.Writer, log *os.File) (prepared, results.Env, error) {
	fmt.Fprintln(stderr, "check   "+checkLine(ctx))
	started := time.Now()
	p, err := c.compile(ctx, log)
	if err != nil {
		return p, results.Env{}, named(ctx, err, log)
	}
	say := func(what string) { fmt.Fprintf(stderr, "setup   %s · %s\n", what, runner.Clock(time.Since(started))) }
	env, err := host.Setup(ctx, c.options, p.leaves(), []stack.Stack{stacks.Reference(), stacks.Null()}, host.Reporter{Done: say, Download: downloadBar(stderr), Build: log})
	if err != nil {
		return p, env, named(ctx, err, log)
	}
	p.leaveOut(env.Skipped)
	for _, s := range p.skipped {
		env.Skipped = append(env.Skipped, results.Skip{What: s.Name, Why: s.Skip})
	}
	return p, env, nil
}

// named adds the log's path to an error that has more to tell. Of what was
// ended, the words and the cure of what broke off because of that would mislead.
func named(ctx context.Context, err error, log *os.File) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w\nthe whole log: %s", err, log.Name())
}

// openLog is the file for everything that is neither a result nor progress.
func openLog() (*os.File, error) {
	cache, err := boot.DefaultCache()
	if err != nil {
		return nil, err
	}
	log, err := boot.CommandLog(cache)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return log, nil
}

// onTerminal says whether what is written to w is seen as it comes.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// downloadBar draws a bar on a terminal, and prints one line a finished
// download elsewhere.
func downloadBar(w io.Writer) fetch.Progress {
	terminal := onTerminal(w)
	return func(s fetch.Step) {
		complete := s.Total > 0 && s.Done >= s.Total
		if terminal {
			fmt.Fprintf(w, "\r\x1b[K        %s %s %.1f of %.1f MB", s.Name, bar(s), float64(s.Done)/1e6, float64(s.Total)/1e6)
			if complete {
				fmt.Fprintln(w)
			}
		} else if complete {
			fmt.Fprintf(w, "        fetched %s, %.1f MB\n", s.Name, float64(s.Total)/1e6)
		}
	}
}

func bar(s fetch.Step) string {
	const width = 20
	if s.Total <= 0 {
		return ""
	}
	full := int(min(s.Done, s.Total) * width / s.Total)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}
