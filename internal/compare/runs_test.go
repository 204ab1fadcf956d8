package compare

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// bench writes samples of metrics, one line a sample: unit → values.
func bench(t *testing.T, header string, metrics map[string][]float64) *results.Bench {
	t.Helper()
	var b strings.Builder
	b.WriteString(header)
	for unit, values := range metrics {
		for _, v := range values {
			fmt.Fprintf(&b, "BenchmarkX/stack=a-2 1 %v %s\n", v, unit)
		}
	}
	r, err := results.ReadBench(strings.NewReader(b.String()), "f")
	require.NoError(t, err)
	return r
}

// around gives n values within 1 % of centre.
func around(centre float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = centre * (1 + 0.02*(float64(i)/float64(n)-0.5))
	}
	return out
}

const directions = "Unit p95-ms better=lower\nUnit rps better=higher\nUnit mem-MB better=lower threshold=0.5\nUnit ok-% better=higher\n"

func verdict(t *testing.T, r *Report, u unit.Name) Line {
	t.Helper()
	for _, l := range r.Lines {
		if l.Unit == u {
			return l
		}
	}
	require.Fail(t, "no line for "+string(u))
	return Line{}
}

func TestVerdicts(t *testing.T) {
	check := func(name string, old, fresh []float64, want Verdict, why string) {
		t.Helper()
		r := Runs(bench(t, directions, map[string][]float64{name: old}), bench(t, directions, map[string][]float64{name: fresh}), Options{})
		l := verdict(t, r, unit.Name(name))
		require.Equal(t, want, l.Verdict, "%+v", l)
		require.Equal(t, why, l.Why)
	}
	check("p95-ms", around(10, 6), around(12, 6), Worse, "")
	check("p95-ms", around(12, 6), around(10, 6), Better, "")
	check("rps", around(10, 6), around(12, 6), Better, "")
	check("rps", around(12, 6), around(10, 6), Worse, "")
	check("p95-ms", around(10, 6), around(10.4, 6), Same, "under 5 %")
	check("mem-MB", around(10, 6), around(14, 6), Same, "under 50 %")
	check("mem-MB", around(10, 6), around(16, 6), Worse, "")
	check("p95-ms", around(10, 6), around(10, 6), Same, "")
	check("ok-%", []float64{100, 100, 100, 100}, []float64{100, 100, 100, 100}, Same, "")
	check("p95-ms", []float64{10, 11, 9, 10}, []float64{12, 9, 20, 11}, Same, "not significant")
	check("p95-ms", around(10, 3), around(20, 3), CannotJudge, "too few samples: 4 a side needed (comparisons: 1)")
	check("p95-ms", around(10, 1), around(20, 40), Worse, "") // a single sample, outdone by 40
	check("p95-ms", []float64{0, 0, 0, 0}, around(20, 4), CannotJudge, "no ratio to a median of zero or less")
	check("ns/op", around(10, 6), around(12, 6), Worse, "") // benchfmt knows testing's own units
}

func TestDirectionsAreNeeded(t *testing.T) {
	samples := map[string][]float64{"cpu-util": around(10, 6), "rps": around(10, 6)}
	r := Runs(bench(t, directions, samples), bench(t, "", samples), Options{})
	require.Len(t, r.Lines, 1)
	require.Equal(t, []string{"not judged, having no better direction: cpu-util"}, r.Notes)
	r = Runs(bench(t, directions, samples), bench(t, directions, samples), Options{Units: []unit.Name{"cpu-util"}})
	require.Equal(t, "its unit states no better direction", verdict(t, r, "cpu-util").Why)
	r = Runs(bench(t, directions, samples), bench(t, "Unit rps better=lower\n", samples), Options{})
	require.Equal(t, "the runs disagree on which direction is better", verdict(t, r, "rps").Why)
}

func TestOneSidedMetrics(t *testing.T) {
	both := bench(t, directions, map[string][]float64{"rps": around(10, 6), "p95-ms": around(10, 6)})
	one := bench(t, directions, map[string][]float64{"rps": around(10, 6)})
	require.Equal(t, "only in the old run", verdict(t, Runs(both, one, Options{}), "p95-ms").Why)
	r := Runs(one, both, Options{})
	require.Equal(t, "only in the new run", verdict(t, r, "p95-ms").Why)
	require.Equal(t, 1, r.Count(CannotJudge))
	require.Equal(t, 1, r.Count(Same))
}

func TestMetricsThatRestateOthersAreLeftOut(t *testing.T) {
	header := directions + "Unit img/s better=higher\nUnit client-cpu-% better=lower\n"
	b := bench(t, header, map[string][]float64{"ns/op": {1}, "rps": {1}, "img/s": {1}, "client-cpu-%": {1}})
	r := Runs(b, b, Options{})
	require.Len(t, r.Lines, 1)
	require.Equal(t, unit.ImgPerS, r.Lines[0].Unit)
	require.Len(t, Runs(b, b, Options{Units: []unit.Name{"ns/op", "rps"}}).Lines, 2)
}

func TestOtherConditionsAreSaid(t *testing.T) {
	s := map[string][]float64{"rps": {1}}
	a := bench(t, directions+"cpu: A\ncommit: 1\nprofile: quick\n", s)
	b := bench(t, directions+"cpu: B\ncommit: 2\n", s)
	require.Equal(t, []string{"the runs differ in cpu: A against B", "the runs differ in profile: quick against not stated"}, Runs(a, b, Options{}).Notes)
}

func TestHolm(t *testing.T) {
	lines := make([]Line, 5)
	for i, p := range []float64{0.01, 0.04, 0.03, 0.005, 0.9} {
		lines[i] = Line{P: p, Old: Sample{N: 1}, New: Sample{N: 1}}
	}
	lines = append(lines, Line{P: math.NaN(), Adjusted: math.NaN(), Old: Sample{N: 1}}) // untested, and not counted
	holm(lines)
	var got []float64
	for _, l := range lines[:5] {
		got = append(got, l.Adjusted)
	}
	require.InDeltaSlice(t, []float64{0.04, 0.09, 0.09, 0.025, 0.9}, got, 1e-12)
	require.True(t, math.IsNaN(lines[5].Adjusted))
}

func TestLeastP(t *testing.T) {
	// The table of golang.org/x/perf/benchmath.
	for n, p := range map[int]float64{1: 1, 2: 1.0 / 3, 3: 0.1, 4: 0.02857142857142857, 6: 0.0021645021645021645, 9: 4.113533525298231e-05} {
		require.InEpsilon(t, p, leastP(n, n), 1e-9)
	}
	require.Equal(t, 4, needed(1))
	require.Equal(t, 6, needed(23))
	require.Equal(t, 7, needed(24))
}

// With nothing to find, at most one family of tests in twenty may find
// something; with a change of 20 %, all must find it.
func TestErrorRates(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	normal := func(centre float64) []float64 {
		out := make([]float64, 10)
		for i := range out {
			out[i] = centre * math.Exp(0.05*r.NormFloat64())
		}
		return out
	}
	const families, metrics = 300, 10
	header := ""
	for m := range metrics {
		header += fmt.Sprintf("Unit m%d better=lower threshold=0.0001\n", m)
	}
	false1, missed := 0, 0
	for range families {
		old, null, slow := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
		for m := range metrics {
			unit := fmt.Sprintf("m%d", m)
			old[unit], null[unit], slow[unit] = normal(1), normal(1), normal(1.2)
		}
		a := bench(t, header, old)
		if rep := Runs(a, bench(t, header, null), Options{}); rep.Count(Same) < metrics {
			false1++
		}
		missed += metrics - Runs(a, bench(t, header, slow), Options{}).Count(Worse)
	}
	require.LessOrEqual(t, false1, families*5/100+5)
	require.Positive(t, false1, "a test that never errs has no power")
	require.Less(t, missed, families*metrics/100)
}

func TestRunsText(t *testing.T) {
	old := bench(t, directions+"cpu: A\n", map[string][]float64{"p95-ms": around(12.34, 8), "rps": around(812, 8), "mem-MB": around(990, 8), "ok-%": {100, 100}})
	fresh := bench(t, directions+"cpu: B\n", map[string][]float64{"p95-ms": around(15.1, 8), "rps": around(810, 8), "mem-MB": around(400, 8)})
	// The order of the units follows the file, which here follows a map.
	r := Runs(old, fresh, Options{})
	byUnit := map[unit.Name]int{"p95-ms": 0, "rps": 1, "mem-MB": 2, "ok-%": 3}
	sorted := make([]Line, len(r.Lines))
	for _, l := range r.Lines {
		sorted[byUnit[l.Unit]] = l
	}
	r.Lines = sorted
	var b bytes.Buffer
	require.NoError(t, r.Text(&b))
	golden(t, "runs.txt", b.String())
}

// benchstat reads what a run writes, and puts the stacks side by side.
func TestBenchstatShowsStacksSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat")
	}
	var b bytes.Buffer
	b.WriteString(units)
	for i := range 6 {
		for _, stack := range []string{"embedded", "fastapi-onnxruntime"} {
			for _, conc := range []int{1, 16} {
				tr := trial(name("ImageClassification", stack, "resnet50", "jpeg", 1, conc, 0), i+1, 10+float64(i), 20, 100)
				fmt.Fprintln(&b, tr.BenchLine())
			}
		}
	}
	file := filepath.Join(t.TempDir(), "bench.txt")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
	for _, args := range [][]string{BenchstatStacks(file, &results.Run{}), BenchstatRuns(file, file, false), BenchstatRuns(file, file, true)} {
		out, err := exec.Command("go", append([]string{"tool", "benchstat"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "p95-ms")
		require.NotContains(t, string(out), "need >= ", "six samples a side were written")
		if args[0] == "-col" {
			require.Regexp(t, `embedded\s+│\s+fastapi-onnxruntime`, string(out))
		}
	}
}
