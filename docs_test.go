package stackbench_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/compare"
	"stackbench/internal/meter"
	"stackbench/internal/results"
)

// TestMetricsPageIsTheTable holds docs/metrics.md to the units that the code reports.
func TestMetricsPageIsTheTable(t *testing.T) {
	between(t, "docs/metrics.md", "units", meter.Markdown())
}

// TestReadmeTableIsTheCommittedRun holds README's result to the newest
// committed run under results.
func TestReadmeTableIsTheCommittedRun(t *testing.T) {
	runs, err := results.List("results")
	require.NoError(t, err)
	require.NotEmpty(t, runs, "README shows a real result: commit a run of make bench under results")
	run, err := results.Open(runs[len(runs)-1])
	require.NoError(t, err)
	require.Empty(t, run.Warnings)
	table, err := compare.Stacks(run)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, table.Markdown(&b))
	name := filepath.ToSlash(run.Dir)
	head := "From [`" + name + "`](" + name + "), made by `make bench` on " + run.Env.Hardware() + ".\n\n"
	between(t, "README.md", "result", head+b.String())
}

// between wants the text between two marks of a file to be want. With -update
// it puts it there.
func between(t *testing.T, file, mark, want string) {
	t.Helper()
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	open, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->\n"
	before, rest, ok := strings.Cut(string(page), open)
	require.True(t, ok, "%s has no %s", file, open)
	got, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no %s", file, end)
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(file, []byte(before+open+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, got, "%s is not what the code says: go test . -update", file)
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the derived parts of README and docs")
	flag.Parse()
	os.Exit(m.Run())
}
