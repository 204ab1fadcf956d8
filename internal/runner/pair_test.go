package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planner writes a benchmark binary that only plans: it names its stacks' leaves,
// or those of the one that it is asked for again.
func planner(t *testing.T, g Group, stacks ...string) string {
	t.Helper()
	folder := t.TempDir()
	line := func(stack, conc string) string {
		return fmt.Sprintf(`echo '{"name":"Embeddings/stack=%s/conc=%s","stack":"%s","model":"m","seconds":4}'`, stack, conc, stack) + "\n"
	}
	var all strings.Builder
	for _, s := range stacks {
		all.WriteString(line(s, "1") + line(s, "8"))
	}
	script := "#!/bin/sh\ncase \"$*\" in\n*-stacks=" + stacks[0] + "\\ -again=*) " + line(stacks[0], "1") + ";;\n*) " + all.String() + ";;\nesac\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, g.binary()), []byte(script), 0o755))
	return folder
}

// TestEveryTrialMeasuresAStackTwice: among the others, in an order of its own.
func TestEveryTrialMeasuresAStackTwice(t *testing.T) {
	g := Groups()[2]
	r := Request{Groups: []Group{g}, Trials: 6, Seed: 3, Folder: "out"}
	jobs, _, err := Plan(context.Background(), planner(t, g, "embedded", "b"), r)
	require.NoError(t, err)
	require.Len(t, jobs, 18)
	places := map[int]bool{}
	for i, j := range jobs {
		args := strings.Join(j.arguments(r), " ")
		require.Equal(t, j.Again, strings.Contains(args, "-again=3"), args)
		if j.Again {
			require.Equal(t, "embedded", j.Stack)
			require.Equal(t, "embedded again", j.who())
			require.Len(t, j.Leaves, 1)
			places[i%3] = true
		}
	}
	require.Greater(t, len(places), 1, "not always first or last")

	jobs, _, err = Plan(context.Background(), planner(t, g, "embedded"), r)
	require.NoError(t, err)
	require.Len(t, jobs, 6, "one stack is compared with none")
}

// TestTheSecondTimeIsNoSample: benchstat pools all lines of a name.
func TestTheSecondTimeIsNoSample(t *testing.T) {
	var b strings.Builder
	s := Streams{Bench: NewResults(&b)}
	for _, again := range []bool{false, true} {
		for _, line := range []string{"goos: linux", "Unit rps better=higher", "BenchmarkX/stack=a 1 5 ns/op"} {
			require.NoError(t, s.keep(Job{Stack: "a", Again: again}, line))
		}
	}
	require.Equal(t, 1, strings.Count(b.String(), "BenchmarkX"))
}
