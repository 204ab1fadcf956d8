package compare

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/results"
)

// numbered is eight samples of each benchmark: its value and, one more each, the
// seven after it.
func numbered(t *testing.T, unit string, benchmarks ...any) *results.Bench {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "Unit %s better=lower\n", unit)
	for i := range 8 {
		for k := 0; k < len(benchmarks); k += 2 {
			fmt.Fprintf(&b, "Benchmark%s 100 %d %s\n", benchmarks[k], benchmarks[k+1].(int)+i, unit)
		}
	}
	read, err := results.ReadBench(strings.NewReader(b.String()), "x")
	require.NoError(t, err)
	return read
}

// A number at a name's end is GOMAXPROCS where all names of a file end in it,
// and tells benchmarks apart where they do not.
func TestNumbersAtTheEndOfNames(t *testing.T) {
	const served = "Embeddings/stack=embedded/model=m/proto=rest/input=text/batch=1/load=closed/conc=8"
	for name, c := range map[string]struct {
		old, fresh *results.Bench
		want       map[string]Verdict
		mixed      bool
	}{
		"sizes, on one processor": {
			numbered(t, "ns/op", "Pool/size-10", 101, "Pool/size-100", 1001), numbered(t, "ns/op", "Pool/size-10", 201, "Pool/size-100", 1001),
			map[string]Verdict{"Pool/size-10": Worse, "Pool/size-100": Same}, true,
		},
		"sizes, on two": {
			numbered(t, "ns/op", "Pool/size-10-2", 101, "Pool/size-100-2", 1001), numbered(t, "ns/op", "Pool/size-10-2", 201, "Pool/size-100-2", 1001),
			map[string]Verdict{"Pool/size-10": Worse, "Pool/size-100": Same}, false,
		},
		"one and four processors": {
			numbered(t, "p50-ms", served, 101, served+"-4", 401), numbered(t, "p50-ms", served, 101, served+"-4", 601),
			map[string]Verdict{served: Same, served + "-4": Worse}, true,
		},
		"machines that differ": {
			numbered(t, "p50-ms", served+"-2", 101), numbered(t, "p50-ms", served+"-16", 201),
			map[string]Verdict{served: Worse}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.mixed, c.old.Mixed)
			got := map[string]Verdict{}
			for _, l := range Runs(c.old, c.fresh, Options{}).Lines {
				require.Equal(t, 8, l.Old.N, l.Name)
				require.Equal(t, 8, l.New.N, l.Name)
				got[l.Name] = l.Verdict
			}
			require.Equal(t, c.want, got)
		})
	}
}

// Rows of benchstat's table are of one benchmark each: prompts of another length
// and prefixes that are shared have rows of their own.
func TestBenchstatsRowsAreOfOneBenchmark(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat")
	}
	var b strings.Builder
	for _, of := range []struct {
		stack string
		ttft  [3]string
	}{{"embedded", [3]string{"277.4", "1003", "90"}}, {"vllm", [3]string{"507.5", "1489", "80"}}} {
		for i, tokens := range []string{"tokens=128x128", "tokens=512x128", "tokens=512x128/prefix=shared"} {
			fmt.Fprintf(&b, "BenchmarkTextGeneration/stack=%s/model=m/proto=sse/input=text/%s/batch=1/load=closed/conc=4 1 %s ttft-ms\n", of.stack, tokens, of.ttft[i])
		}
	}
	var kept results.Run
	for line := range strings.Lines(b.String()) {
		kept.Trials = append(kept.Trials, results.Trial{Name: strings.Fields(line)[0]})
	}
	file := filepath.Join(t.TempDir(), "bench.txt")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	var out bytes.Buffer
	cmd := exec.Command("go", append([]string{"tool", "benchstat"}, BenchstatStacks(file, &kept)...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())
	for _, row := range []string{`128x128 .*277\.4.*507\.5`, `512x128 .*1\.003k.*1\.489k`, `512x128 shared.*90\.00.*80\.00`} {
		require.Regexp(t, row, out.String())
	}
	require.NotContains(t, out.String(), "vary in .fullname")
}
