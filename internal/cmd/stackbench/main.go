// Command stackbench says what this machine can measure, fetches what that
// needs, measures by trials and compares the results.
//
//	go tool stackbench doctor
//	go tool stackbench run --group embeddings --stacks embedded,fastapi-onnxruntime
//	go tool stackbench compare results/one results/two
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"stackbench/internal/fake"
	"stackbench/internal/runner"
)

// Exit codes, the same for every command.
const (
	done    = 0 // done
	failed  = 1 // the thing measured failed or got worse
	request = 2 // the request was wrong or cannot be judged
	// 128 + the signal's number: ended by it
)

func main() {
	fake.Main() // a process that the self-test started is a server
	os.Exit(stackbench(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// command is one sub-command.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

func commands() []command {
	return []command{
		{"doctor", "what this machine can run and, for each thing that it cannot, why and what to do", doctor},
		{"setup", "fetch and build all that a run needs; repeatable, resumable", setup},
		{"run", "measure stacks side by side, by trials, and print the table", run},
		{"compare", "two runs, or the stacks of one run, with statistics", compareRuns},
		{"selftest", "a minute: is the client true on this machine, and what differences can it tell", selfTest},
		{"fake", "serve a scripted stream, to test a client by", fakeServer},
		{"clean", "remove what setup downloaded and built, and say how much that freed", clean},
	}
}

// usageError is a wrong request: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func wrong(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// stackbench is the whole command but for the process: it prints errors in two
// lines, what went wrong and what to do, and returns the exit code.
func stackbench(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		help(stdout)
		if len(args) == 0 {
			return request
		}
		return done
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], stdout, stderr)
		return report(err, stderr)
	}
	fmt.Fprintf(stderr, "stackbench: unknown command %q\nknown commands: %s (stackbench help)\n", args[0], strings.Join(commandNames(), ", "))
	return request
}

func report(err error, stderr io.Writer) int {
	var usage usageError
	var ended *runner.Interrupted
	switch {
	case errors.As(err, &ended):
		fmt.Fprintf(stderr, "stackbench: %v\n", err)
		return ended.Code()
	case err == nil, errors.Is(err, flag.ErrHelp):
		return done
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "stackbench: %v\n", err)
		return request
	default:
		fmt.Fprintf(stderr, "stackbench: %v\n", err)
		return failed
	}
}

func commandNames() []string {
	var out []string
	for _, c := range commands() {
		out = append(out, c.name)
	}
	return out
}

func help(w io.Writer) {
	fmt.Fprint(w, "Example: go tool stackbench run --group embeddings --stacks embedded,fastapi-onnxruntime\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nEach takes --help. Exit codes: 0 done, 1 the thing measured failed or got worse, 2 the request was wrong or cannot be judged, 130 ended by Ctrl-C, 143 by SIGTERM.\n")
}

// flags makes a flag set whose help opens with an example.
func flags(name, example string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintf(stderr, "Example: go tool stackbench %s\n\n", example)
		f.PrintDefaults()
	}
	return f
}

// parseAll is parse for commands that take flags alone. A word that is no flag
// ends the flags: those behind it would be passed over without a word.
func parseAll(f *flag.FlagSet, args []string) error {
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return wrong("%s takes no %q\nwrite everything as flags; see: go tool stackbench %s --help", f.Name(), f.Arg(0), f.Name())
	}
	return nil
}

// parse reads the flags, and takes a wrong one for a wrong request. The flag
// package has printed its own words by then; they name the flag.
func parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return usageError{fmt.Errorf("%w\nsee: go tool stackbench %s --help", err, f.Name())}
	}
	return err
}
