package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"stackbench/internal/plan"
)

// pairLeaves is how many windows of one stack a trial measures a second time: few,
// since they only show what this machine makes of the same thing twice.
const pairLeaves = 3

// pair is the job that measures the first of the group's stacks again, in a
// process of its own among the others; false where there is nothing to compare.
func pair(ctx context.Context, binary string, g Group, jobs []Job, flags []string) (Job, bool, error) {
	if len(jobs) < 2 {
		return Job{}, false, nil
	}
	j := Job{Group: g, Stack: jobs[0].Stack, Again: true}
	leaves, err := ask(ctx, binary, append(append([]string{}, flags...), j.flags()...))
	if err != nil {
		return Job{}, false, err
	}
	for _, l := range leaves {
		if l.Skip == "" {
			j.Leaves = append(j.Leaves, l)
		}
	}
	return j, len(j.Leaves) > 0, nil
}

// flags say which stack a process measures, and whether it does so again.
func (j Job) flags() []string {
	out := []string{"-stacks=" + j.Stack}
	if j.Again {
		out = append(out, "-again="+strconv.Itoa(pairLeaves))
	}
	return out
}

// who names the stack for people.
func (j Job) who() string {
	if j.Again {
		return j.Stack + " again"
	}
	return j.Stack
}

// keep writes a line of the process to the run's benchmark stream. What was
// measured again is no sample of its stack: it is kept with the trials alone.
func (s Streams) keep(j Job, line string) error {
	if _, result := ParseLine(line); result && j.Again {
		return nil
	}
	return s.Bench.Write(line)
}

// plan asks the group's binary for the jobs of one trial, and what cannot run.
func (r Request) plan(ctx context.Context, binaries string, g Group) ([]Job, []plan.Leaf, error) {
	binary := filepath.Join(binaries, g.binary())
	leaves, err := ask(ctx, binary, r.Flags)
	if err != nil {
		return nil, nil, fmt.Errorf("plan %s: %w", g.Name, err)
	}
	jobs, skipped := split(g, leaves)
	again, ok, err := pair(ctx, binary, g, jobs, r.Flags)
	if err != nil {
		return nil, nil, fmt.Errorf("plan %s: %w", g.Name, err)
	}
	if ok {
		jobs = append(jobs, again)
	}
	return jobs, skipped, nil
}
