package main

import (
	"flag"
	"fmt"
	"io"

	"stackbench/internal/compare"
	"stackbench/internal/results"
)

// words reads flags that may stand before, between and behind the words, and
// returns the words.
func words(f *flag.FlagSet, args []string) ([]string, error) {
	var out []string
	for {
		if err := parse(f, args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return out, nil
		}
		out, args = append(out, f.Arg(0)), f.Args()[1:]
	}
}

// distributions prints how the times of a run's requests are distributed, as
// text or as csv.
func distributions(dirs []string, asCSV bool, stdout, stderr io.Writer) error {
	if len(dirs) != 1 {
		return wrong("--cdf takes one run, not %d\ngive one of the folders under results", len(dirs))
	}
	kept, err := results.Open(dirs[0])
	if err != nil {
		return usageError{err}
	}
	for _, w := range kept.Warnings {
		fmt.Fprintln(stderr, "note: "+w)
	}
	c, err := compare.Distributions(kept)
	if err != nil {
		return usageError{err}
	}
	if asCSV {
		return c.CSV(stdout)
	}
	return c.Text(stdout)
}
