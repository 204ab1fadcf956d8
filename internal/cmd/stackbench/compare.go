package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"stackbench/internal/compare"
	"stackbench/internal/results"
)

// compareRuns puts one run beside another, or the stacks of one run beside one
// another: benchstat's table, then ours, which knows directions and thresholds.
func compareRuns(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flags("compare", "compare results/old results/new", stderr)
	cdf := f.Bool("cdf", false, "of one run: how its requests' times are distributed, all trials added up")
	asCSV := f.Bool("csv", false, "with --cdf: as comma-separated values")
	runs, err := words(f, args)
	if err != nil {
		return err
	}
	switch {
	case *asCSV && !*cdf:
		return wrong("--csv goes with --cdf\nleave it out, or add --cdf")
	case *cdf:
		return distributions(runs, *asCSV, stdout, stderr)
	case len(runs) == 1:
		return compareStacks(ctx, runs[0], stdout, stderr)
	case len(runs) == 2:
		return compareTwo(ctx, runs[0], runs[1], stdout, stderr)
	}
	return wrong("compare takes one or two runs, not %d\ngive folders under results, or files of go test -bench output", len(runs))
}

func compareStacks(ctx context.Context, dir string, stdout, stderr io.Writer) error {
	kept, err := results.Open(dir)
	if err != nil {
		return usageError{err}
	}
	for _, w := range kept.Warnings {
		fmt.Fprintln(stderr, "note: "+w)
	}
	if len(kept.Trials) == 0 {
		return wrong("nothing was measured in %s\ngo on with it: go tool stackbench run --resume %s", dir, dir)
	}
	if err := benchstat(ctx, compare.BenchstatStacks(benchFile(dir), kept), stdout, stderr); err != nil {
		return err
	}
	table, err := compare.Stacks(kept)
	if err != nil {
		return usageError{err}
	}
	return table.Text(stdout)
}

func compareTwo(ctx context.Context, old, fresh string, stdout, stderr io.Writer) error {
	a, err := results.LoadBench(benchFile(old))
	if err != nil {
		return usageError{err}
	}
	b, err := results.LoadBench(benchFile(fresh))
	if err != nil {
		return usageError{err}
	}
	var left []string
	for _, one := range []struct {
		which, path string
		samples     *results.Bench
	}{{"old", old, a}, {"new", fresh, b}} {
		note, err := believe(one.which, one.path, one.samples)
		if err != nil {
			return usageError{err}
		}
		left = append(left, note...)
	}
	if err := benchstat(ctx, compare.BenchstatRuns(benchFile(old), benchFile(fresh), a.Mixed || b.Mixed), stdout, stderr); err != nil {
		return err
	}
	report := compare.Runs(a, b, compare.Options{})
	report.Notes = append(left, report.Notes...)
	return report.Text(stdout)
}

// believe leaves the trials of a run's folder that are invalid or in doubt out of
// its samples, and says so. A file of lines does not tell which these are.
func believe(which, path string, samples *results.Bench) ([]string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, nil
	}
	run, err := results.Open(path)
	if err != nil {
		return nil, err
	}
	if left := compare.Believe(samples, run); left != "" {
		return []string{"in the " + which + " run, " + left}, nil
	}
	return nil, nil
}

// benchFile is the benchmark stream of a run's folder, or the file itself.
func benchFile(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, results.BenchFile)
	}
	return path
}

// benchstat runs the module's own benchstat.
func benchstat(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "benchstat"}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run benchstat: %w\nrun it in the stackbench checkout, with Go on PATH", err)
	}
	fmt.Fprintln(stdout)
	return nil
}
