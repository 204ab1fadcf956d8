// Package runner measures by trials: it compiles the benchmarks once and runs
// each trial as a fresh process with a fresh stack, the stacks shuffled and
// interleaved, so that samples are independent of one another.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"stackbench/internal/plan"
)

// Request says what to measure.
type Request struct {
	Groups []Group
	Trials int
	Seed   uint64   // of the order of stacks
	Flags  []string // handed to each benchmark binary as they are
	Folder string   // of this run's results; exists
}

// Job is one process: one group on one stack, once.
type Job struct {
	Group  Group
	Stack  string
	Trial  int
	Again  bool // a second time in the same trial: see pair
	Leaves []plan.Leaf
}

// Seconds is the expected time of the job, start of the stack included.
func (j Job) Seconds() float64 {
	var sum float64
	for _, l := range j.Leaves {
		sum += l.Seconds + l.Start
	}
	return sum
}

// Compile builds the groups' benchmark binaries into folder, and returns it.
// Where STACKBENCH_TEST_BINARIES names a folder that holds them already, that
// one is used and nothing is built: a machine without Go can measure so.
func Compile(ctx context.Context, groups []Group, folder string, log io.Writer) (string, error) {
	if ready := os.Getenv("STACKBENCH_TEST_BINARIES"); ready != "" {
		for _, g := range groups {
			if _, err := os.Stat(filepath.Join(ready, g.binary())); err != nil {
				return "", fmt.Errorf("no benchmark binary for %s in STACKBENCH_TEST_BINARIES: %w\nmake it with: go test -c -o %s %s", g.Name, err, g.binary(), g.Package)
			}
		}
		return ready, nil
	}
	for _, g := range groups {
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", filepath.Join(folder, g.binary()), g.Package)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("compile %s: %w\nrun it in the stackbench checkout, with a C compiler (apt install gcc) on PATH; the compiler's words are in the log", g.Package, err)
		}
	}
	return folder, nil
}

// Plan asks every binary what it would measure, and returns the jobs of all
// trials in the order in which to run them, and the leaves that cannot run.
func Plan(ctx context.Context, binaries string, r Request) (jobs []Job, skipped []plan.Leaf, err error) {
	byGroup := map[string][]Job{}
	for _, g := range r.Groups {
		group, skips, err := r.plan(ctx, binaries, g)
		if err != nil {
			return nil, nil, err
		}
		byGroup[g.Name] = group
		skipped = append(skipped, skips...)
	}
	rng := rand.New(rand.NewPCG(r.Seed, 0))
	for trial := 1; trial <= r.Trials; trial++ {
		for _, g := range r.Groups {
			order := rng.Perm(len(byGroup[g.Name]))
			for _, i := range order {
				job := byGroup[g.Name][i]
				job.Trial = trial
				jobs = append(jobs, job)
			}
		}
	}
	return jobs, skipped, nil
}

// ask runs a binary with -plan and reads its answer.
func ask(ctx context.Context, binary string, flags []string) ([]plan.Leaf, error) {
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, binary, append([]string{"-test.run=^$", "-plan"}, flags...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return nil, errors.New(text)
		}
		return nil, err
	}
	return plan.Read(strings.NewReader(stdout.String()))
}

// split makes one job a stack of the leaves that can run.
func split(g Group, leaves []plan.Leaf) (jobs []Job, skipped []plan.Leaf) {
	at := map[string]int{}
	for _, l := range leaves {
		if l.Skip != "" {
			skipped = append(skipped, l)
			continue
		}
		i, seen := at[l.Stack]
		if !seen {
			i = len(jobs)
			at[l.Stack] = i
			jobs = append(jobs, Job{Group: g, Stack: l.Stack})
		}
		jobs[i].Leaves = append(jobs[i].Leaves, l)
	}
	return jobs, skipped
}

// arguments are those of the process that runs the job.
func (j Job) arguments(r Request) []string {
	args := []string{"-test.run=^$", "-test.bench=.", "-test.benchtime=1x", "-test.timeout=0", "-with-parent", "-live=3"}
	args = append(args, r.Flags...)
	args = append(args, j.flags()...)
	return append(args, "-trial="+strconv.Itoa(j.Trial), "-out="+r.Folder)
}
