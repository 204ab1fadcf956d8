package compare

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
)

// precise is a trial of a stack that computes in another precision than fp32;
// "" is fp32.
func precise(stack, precision string, p50 float64) results.Trial {
	return trial(name("Embeddings", stack, "m", "text", 1, 8, 0).With(axis.Precision, precision), 1, p50, 2*p50, 80)
}

func TestOnePrecisionStandsBesideAnother(t *testing.T) {
	env := quick()
	env.Skipped = nil
	eight, again := precise("embedded", "int8", 10), precise("embedded", "int8", 11)
	again.Again = true
	eight.Doubts = []results.Reason{{Rule: "x", Text: "a doubt"}}
	r := run(t, env, precise("vllm", "fp16", 30), precise("embedded", "", 20), eight, precise("triton", "int8", 12), again)
	tab, err := Stacks(r)
	require.NoError(t, err)
	require.Len(t, tab.Blocks, 1)
	require.Equal(t, "embeddings · m · rest · text", tab.Blocks[0].Title)
	require.Equal(t, []string{"embedded fp32", "embedded int8", "triton int8", "vllm fp16"}, tab.Blocks[0].Stacks)
	var p50 []string
	for _, c := range tab.Blocks[0].Rows[0].Cells {
		p50 = append(p50, c.Text)
	}
	require.Equal(t, []string{"20.0", "10.0", "12.0", "30.0"}, p50)
	require.Equal(t, []string{"embedded int8 m rest text batch=1 conc=8, trial 1: a doubt"}, tab.Doubts)
}

// TestAPrecisionOfAllIsSaidOnce: in the title, as where it was no column.
func TestAPrecisionOfAllIsSaidOnce(t *testing.T) {
	env := quick()
	env.Skipped = nil
	again := precise("vllm", "fp16", 31)
	again.Again = true
	tab, err := Stacks(run(t, env, precise("vllm", "fp16", 30), precise("embedded", "fp16", 20), again))
	require.NoError(t, err)
	require.Len(t, tab.Blocks, 1)
	require.Equal(t, "embeddings · m · fp16 · rest · text", tab.Blocks[0].Title)
	require.Equal(t, []string{"embedded", "vllm"}, tab.Blocks[0].Stacks)
	require.True(t, slices.ContainsFunc(tab.Blocks[0].Rows, func(r Row) bool { return strings.HasPrefix(r.Wide, "vllm again: p50 +3.3%") }))
}

// TestAPairIsOfOneColumn: what one column was the second time says nothing of
// another of the same stack.
func TestAPairIsOfOneColumn(t *testing.T) {
	env := quick()
	env.Skipped = nil
	one, two := precise("embedded", "", 22), precise("embedded", "int8", 9)
	one.Again, two.Again = true, true
	tab, err := Stacks(run(t, env, precise("embedded", "", 20), precise("embedded", "int8", 10), one, two))
	require.NoError(t, err)
	var wide []string
	for _, r := range tab.Blocks[0].Rows {
		if strings.Contains(r.Wide, "again") {
			wide = append(wide, r.Wide[:strings.Index(r.Wide, ",")])
		}
	}
	require.Equal(t, []string{"embedded fp32 again: p50 +10%", "embedded int8 again: p50 −10%"}, wide)
}

// TestADoubtSaysOfWhichTextsItIs: lengths of texts are not all alike in a run.
func TestADoubtSaysOfWhichTextsItIs(t *testing.T) {
	doubtful := texts("vllm", 4, 100, 20, 100)
	doubtful.Doubts = []results.Reason{{Rule: "x", Text: "a doubt"}}
	tab, err := Stacks(runWith(t, units+textsUnits, quick(), doubtful))
	require.NoError(t, err)
	require.Equal(t, []string{"vllm gpt2 sse text 128x128 tokens batch=1 conc=4, trial 1: a doubt"}, tab.Doubts)
}

// TestEveryAxisStandsInBenchstatsTable walks the table of axes: benchstat pools
// what differs in an axis that is neither in a row nor in a column.
func TestEveryAxisStandsInBenchstatsTable(t *testing.T) {
	more := append(axis.Names(), axis.Axis{Key: "len", Kind: axis.Number})
	for _, table := range []axis.Table{axis.Names(), more} {
		var same, differ axis.Values
		for _, a := range table {
			same, differ = table.With(same, a.Key, "1"), table.With(differ, a.Key, "2")
		}
		for _, names := range [][]axis.Values{nil, {same}, {same, differ}} {
			column, row := fields(table, names)
			for _, a := range table {
				field := "/" + string(a.Key)
				if a.Kind == axis.Number {
					field += "@num"
				}
				found := 0
				for _, f := range slices.Concat(column, row) {
					if f == field {
						found++
					}
				}
				require.Equal(t, 1, found, field)
				if a.Place != axis.Column {
					require.Contains(t, row, field)
				} else if len(names) > 1 {
					require.Contains(t, column, field)
				}
			}
		}
	}
}

func TestBenchstatPutsPrecisionsSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat")
	}
	one, other := precise("embedded", "", 20), precise("embedded", "int8", 10)
	file := filepath.Join(t.TempDir(), results.BenchFile)
	require.NoError(t, os.WriteFile(file, []byte(one.BenchLine()+"\n"+other.BenchLine()+"\n"), 0o644))
	out := benchstatOf(t, file, run(t, quick(), one, other))
	require.Regexp(t, `│\s+embedded\s+│`, out)
	require.Regexp(t, `│\s+│\s+int8\s+│`, out)
	require.Regexp(t, `20\.00 .* 10\.00`, out)
}

// TestACommittedRunIsNotPooled: its prompts of 128 and of 512 tokens stood in one
// row, and benchstat said so.
func TestACommittedRunIsNotPooled(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat")
	}
	dir := filepath.Join("..", "..", "results", "2026-11-26-0426-quick")
	r, err := results.Open(dir)
	require.NoError(t, err)
	out := benchstatOf(t, filepath.Join(dir, results.BenchFile), r)
	require.False(t, strings.Contains(out, "vary in .fullname"), "rows are of several benchmarks")
	require.True(t, strings.Contains(out, "512x128"), "long prompts have no row")
}

func benchstatOf(t *testing.T, file string, r *results.Run) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("go", append([]string{"tool", "benchstat"}, BenchstatStacks(file, r)...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())
	return out.String()
}
