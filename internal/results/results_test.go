package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"stackbench/internal/unit"
)

var now = time.Date(2026, 11, 24, 15, 30, 59, 0, time.FixedZone("", 3600))

func env() Env {
	return Env{
		Started: now.UTC(),
		Harness: Harness{Version: "0.1", Commit: "abc", Modified: true, Go: "go1.26.8"},
		Machine: Machine{CPU: "Some\nCPU  @ 3 GHz", Cores: 2, MemoryMB: 8192, OS: "linux", Arch: "amd64", ClientCores: "0", ServerCores: "1"},
		Device:  "cpu",
		Plan:    Plan{Profile: "quick", Window: "3s", Trials: 1, Seed: 8817, Groups: []string{"embeddings"}, Stacks: []string{"embedded"}},
		Models:  []Weights{{"all-minilm-l6-v2", "package", "53aa", ""}, {"resnet50", "seeded", "baf0", "seed 1"}},
	}
}

func trial(stack string, n int) Trial {
	return Trial{
		Name: "Embeddings/stack=" + stack + "/model=m/proto=rest/input=text/batch=1/load=closed/conc=8", Trial: n, Started: now.UTC(), Seconds: 3,
		Metrics: map[unit.Name]float64{"rps": 120.5, "ns/op": 8298755.186721991, "p50-ms": 66.1}, Withheld: map[unit.Name]string{"p99-ms": "fewer than 662 requests"},
		Steady: "steady", Issued: 3, Failed: map[string]int{"timeout": 1}, Answers: Answers{Checked: 2, Agree: 2, Rule: "cosine"},
		Server: Server{Launcher: "process", ReadyS: 1.5, Threads: 1, Cores: "1"}, Raw: map[unit.Series][]float64{unit.Response: []float64{66100.1, 70000}},
	}
}

func create(t *testing.T) *Log {
	t.Helper()
	l, err := Create(t.TempDir(), "quick", now, env())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func TestARunIsReadBackAsItWasWritten(t *testing.T) {
	root := filepath.Join(t.TempDir(), "results")
	l, err := Create(root, "quick", now, env())
	require.NoError(t, err)
	require.Equal(t, "2026-11-24-1430-quick", filepath.Base(l.Dir()), "in UTC")
	a, b := trial("a", 1), trial("b", 1)
	b.Metrics, b.Raw, b.Error = nil, nil, "start b: no reply\n  last log line"
	require.NoError(t, l.Append(a))
	require.NoError(t, l.Append(b))
	require.NoError(t, l.Close())

	r, err := Open(l.Dir())
	require.NoError(t, err)
	require.Equal(t, env(), r.Env)
	require.Equal(t, []Trial{a, b}, r.Trials)
	require.Empty(t, r.Warnings)
	require.Equal(t, map[Done]bool{{a.Name, 1, false}: true}, r.Done(), "what failed is to be measured again")

	second, err := Create(root, "quick", now, env())
	require.NoError(t, err)
	require.Equal(t, "2026-11-24-1430-quick-2", filepath.Base(second.Dir()), "one minute, two runs")
	require.NoError(t, second.Close())
}

func TestARetriedTrialCounts(t *testing.T) {
	l := create(t)
	first, again := trial("a", 1), trial("a", 1)
	first.Metrics, first.Error = nil, "no reply"
	for _, tr := range []Trial{first, trial("a", 2), again} {
		require.NoError(t, l.Append(tr))
	}
	r, err := Open(l.Dir())
	require.NoError(t, err)
	require.Equal(t, []Trial{again, trial("a", 2)}, r.Trials)
	require.Len(t, r.Done(), 2)
}

func TestOnlyTrueTrialsAreRecorded(t *testing.T) {
	l := create(t)
	check := func(want string, change func(*Trial)) {
		t.Helper()
		tr := trial("a", 1)
		change(&tr)
		require.ErrorContains(t, l.Append(tr), want)
	}
	for _, v := range []float64{0, math.Copysign(0, -1), -1, math.NaN(), math.Inf(1)} {
		check("cannot hold", func(tr *Trial) { tr.Metrics["rps"] = v })
	}
	check("no unit", func(tr *Trial) { tr.Metrics["a b"] = 1 })
	check("frames/s has no row in the table of units", func(tr *Trial) { tr.Metrics["frames/s"] = 1 })
	check("the raw series frames", func(tr *Trial) { tr.Raw["frames"] = []float64{1} })
	check("trial number 0", func(tr *Trial) { tr.Trial = 0 })
	check("not key=value", func(tr *Trial) { tr.Name = "Embeddings" })
	check("latency", func(tr *Trial) { tr.Raw[unit.Response] = []float64{math.Inf(1)} })
	check("an error and metrics", func(tr *Trial) { tr.Error = "x" })
	text, err := os.ReadFile(filepath.Join(l.Dir(), TrialsFile))
	require.NoError(t, err)
	require.Empty(t, text)
}

func TestACutLastLineIsPassedOverAndSaid(t *testing.T) {
	l := create(t)
	require.NoError(t, l.Append(trial("a", 1)))
	require.NoError(t, l.Append(trial("a", 2)))
	path := filepath.Join(l.Dir(), TrialsFile)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, cut := range []int{1, 2, 100} {
		require.NoError(t, os.WriteFile(path, whole[:len(whole)-cut], 0o644))
		r, err := Open(l.Dir())
		require.NoError(t, err)
		require.Equal(t, []Trial{trial("a", 1)}, r.Trials)
		require.Equal(t, []string{"trials.jsonl: line 2 was cut off and is left out"}, r.Warnings)
	}
	again, err := OpenLog(l.Dir())
	require.NoError(t, err)
	require.NoError(t, again.Append(trial("a", 3)))
	require.NoError(t, again.Close())
	r, err := Open(l.Dir())
	require.NoError(t, err)
	require.Equal(t, []Trial{trial("a", 1), trial("a", 3)}, r.Trials)
	require.Empty(t, r.Warnings)
}

func TestDamageIsAnErrorWithItsLine(t *testing.T) {
	l := create(t)
	require.NoError(t, l.Append(trial("a", 1)))
	path := filepath.Join(l.Dir(), TrialsFile)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append([]byte("nonsense\n"), whole...), 0o644))
	_, err = Open(l.Dir())
	require.ErrorContains(t, err, "is damaged: line 1")
	require.Contains(t, err.Error(), "\nrestore it")

	require.NoError(t, os.WriteFile(filepath.Join(l.Dir(), EnvFile), []byte("{"), 0o644))
	_, err = Open(l.Dir())
	require.ErrorContains(t, err, "env.json in")
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir(), EnvFile), []byte("{}"), 0o644))
	_, err = Open(l.Dir())
	require.ErrorContains(t, err, "env.json in "+l.Dir()+" is damaged: it names neither a profile nor a machine\nrestore it from a copy")

	_, err = Open(t.TempDir())
	require.ErrorContains(t, err, "is not the folder of a run")
	_, err = OpenLog(t.TempDir())
	require.ErrorContains(t, err, "is not the folder of a run")
	_, err = Create(t.TempDir(), "Quick/..", now, env())
	require.ErrorContains(t, err, "cannot be named")
}

func TestRepairAfterACrash(t *testing.T) {
	l := create(t)
	for i := 1; i <= 3; i++ {
		require.NoError(t, l.Append(trial("a", i)))
	}
	failed := trial("b", 1)
	failed.Metrics, failed.Error = nil, "no reply"
	require.NoError(t, l.Append(failed))
	// The stream has trial 1 as testing prints it, and half of trial 2.
	_, err := fmt.Fprintf(l.Bench(), "Unit rps better=higher\nBenchmark%s-2 \t 1\t 8298755 ns/op\t 120.5 rps\nBenchmark%s", trial("a", 1).Name, trial("a", 2).Name)
	require.NoError(t, err)
	notes, err := l.Repair()
	require.NoError(t, err)
	require.Len(t, notes, 3)
	require.Equal(t, "bench.txt: removed a line that was cut off", notes[0])
	b, err := LoadBench(l.Dir())
	require.NoError(t, err)
	require.Equal(t, []float64{120.5, 120.5, 120.5}, b.Samples[Series{trial("a", 1).Name, "rps"}])
	require.Equal(t, 1, b.Meta["rps"].Better)
	r, err := Open(l.Dir())
	require.NoError(t, err)
	require.Equal(t, UnitMeta{Better: 1}, r.Units["rps"])
	notes, err = l.Repair()
	require.NoError(t, err)
	require.Empty(t, notes)
}

func TestAFullDiskIsSaidWithItsCure(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	l := &Log{dir: "x", trials: full}
	err = l.Append(trial("a", 1))
	require.ErrorContains(t, err, "trial 1 of "+trial("a", 1).Name+" is lost: write /dev/full: no space left on device")
	require.ErrorContains(t, err, "\nmake room on that disk")
	require.NoError(t, l.Close())
}

func TestBenchLineIsReadByBenchfmtWithAllDigits(t *testing.T) {
	line := trial("a", 1).BenchLine()
	require.True(t, strings.HasPrefix(line, "BenchmarkEmbeddings/stack=a/model=m/proto=rest/input=text/batch=1/load=closed/conc=8 1 8298755.186721991 ns/op "), line)
	require.Empty(t, Trial{Name: "x"}.BenchLine())
	r := benchfmt.NewReader(strings.NewReader(line+"\n"), "x")
	require.True(t, r.Scan())
	res, ok := r.Result().(*benchfmt.Result)
	require.True(t, ok, "%v", r.Result())
	require.Len(t, res.Values, 3)
}

func TestConfigLines(t *testing.T) {
	var b strings.Builder
	require.NoError(t, env().WriteConfig(&b))
	require.Equal(t, `goos: linux
goarch: amd64
cpu: Some CPU @ 3 GHz
cores: 2
client-cores: 0
server-cores: 1
device: cpu
profile: quick
weights: all-minilm-l6-v2=package resnet50=seeded
harness: 0.1
commit: abc+
`, b.String())
	bench, err := ReadBench(strings.NewReader(b.String()+trial("a", 1).BenchLine()+"\n"), "x")
	require.NoError(t, err)
	require.Equal(t, []string{"Some CPU @ 3 GHz"}, bench.Config["cpu"])
	e := env()
	require.Equal(t, "2 × Some CPU @ 3 GHz, 8.19 GB, linux/amd64, no GPU", strings.Join(strings.Fields(e.Hardware()), " "))
}

func TestReadBench(t *testing.T) {
	b, err := ReadBench(strings.NewReader(`goos: linux
Unit p95-ms better=lower threshold=0.1
Unit mem-MB better=lower
Unit rps better=higher threshold=7
BenchmarkX/stack=a-2   1  5000000 ns/op  8.5 p95-ms  412 mem-MB  +Inf rps
PASS
BenchmarkX/stack=a-2   1  6000000 ns/op  0 p95-ms  NaN mem-MB
BenchmarkX/stack=b     1  oops
ok  	stackbench/groups/x	3.2s
`), "f")
	require.NoError(t, err)
	require.Equal(t, []string{"X/stack=a"}, b.Names)
	require.Equal(t, []unit.Name{"ns/op", "p95-ms", "mem-MB"}, b.Units)
	require.Equal(t, []float64{5e6, 6e6}, b.Samples[Series{"X/stack=a", "ns/op"}], "not in seconds, as benchfmt has it")
	require.Equal(t, []float64{8.5, 0}, b.Samples[Series{"X/stack=a", "p95-ms"}])
	require.Equal(t, []float64{412}, b.Samples[Series{"X/stack=a", "mem-MB"}])
	require.Equal(t, map[unit.Name]UnitMeta{"ns/op": {-1, 0}, "p95-ms": {-1, 0.1}, "mem-MB": {-1, 0}, "rps": {1, 0}}, b.Meta)
	require.Equal(t, []string{"f:5: rps is +Inf", "f:7: mem-MB is NaN", "f:8: parsing measurement: invalid syntax"}, b.Warnings)
}

func TestFilesThatAreNotBenchmarkLines(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":     {"", "holds no benchmark result\n"},
		"prose":     {"Dear reader,\nthis is a letter.\n", "holds no benchmark result\n"},
		"binary":    {"\x00\x01\xff\xfe", "holds no benchmark result\n"},
		"broken":    {"BenchmarkX 1 fast ns/op\n", "holds no benchmark result: f:1: parsing measurement"},
		"long line": {strings.Repeat("x", 70000), "line over 64 KiB"},
	} {
		_, err := ReadBench(strings.NewReader(c.text), "f")
		require.ErrorContains(t, err, c.want, name)
		require.Contains(t, err.Error(), "\ngive a run's folder", name)
	}
	_, err := LoadBench(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "no results in")
	_, err = LoadBench(t.TempDir())
	require.ErrorContains(t, err, "is not the folder of a run")
}

func TestPooled(t *testing.T) {
	l := create(t)
	require.NoError(t, l.Append(trial("a", 1)))
	require.NoError(t, l.Append(trial("a", 2)))
	r, err := Open(l.Dir())
	require.NoError(t, err)
	ms, failed, ok := r.Pooled(trial("a", 1).Name, unit.Response)
	require.True(t, ok)
	require.Equal(t, 2, failed)
	require.InDeltaSlice(t, []float64{66.1001, 66.1001, 70, 70}, ms, 1e-9)
	_, _, ok = r.Pooled("other", unit.Response)
	require.False(t, ok)
	r.Trials[1].Raw = nil
	_, _, ok = r.Pooled(trial("a", 1).Name, unit.Response)
	require.False(t, ok, "one trial did not keep its times")
	require.Equal(t, []float64{0.1, 1234.6}, Microseconds([]time.Duration{123, 1234567}))
}

// Runs from before raw times stood in one map keep two series in fields of their own.
func TestRawSeriesOfAnyAge(t *testing.T) {
	line, err := json.Marshal(trial("a", 1))
	require.NoError(t, err)
	require.Contains(t, string(line), `"raw_us":{"response":[66100.1,70000]}`)
	of := func(text string) (out Trial, err error) { return out, json.Unmarshal([]byte(text), &out) }

	old, err := of(strings.Replace(string(line), `"raw_us":{"response":[66100.1,70000]}`, `"latencies_us":[66100.1,70000],"ttft_us":[10.5]`, 1))
	require.NoError(t, err)
	want := trial("a", 1)
	want.Raw[unit.FirstText] = []float64{10.5}
	require.Equal(t, want, old)

	fresh, err := of(string(line))
	require.NoError(t, err)
	require.Equal(t, trial("a", 1), fresh)
	none, err := of(`{"name":"x"}`)
	require.NoError(t, err)
	require.Nil(t, none.Raw)
	_, err = of(`{"latencies_us":"fast"}`)
	require.Error(t, err)
}

func FuzzReadBench(f *testing.F) {
	f.Add("goos: linux\nUnit p95-ms better=lower threshold=0.1\nBenchmarkX/stack=a-2 1 5000000 ns/op 8.5 p95-ms\n")
	f.Add("BenchmarkX 1 NaN ns/op\nBenchmarkY 1 1e400 MB/s 0x1p-2 x\n")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ReadBench(strings.NewReader(text), "f")
		if err != nil {
			require.Contains(t, err.Error(), "\n", "the cure is missing")
			return
		}
		require.NotEmpty(t, b.Samples)
		for s, values := range b.Samples {
			require.Contains(t, b.Names, s.Name)
			require.Contains(t, b.Units, s.Unit)
			for _, v := range values {
				require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
			}
		}
	})
}

func FuzzReadTrials(f *testing.F) {
	line, err := json.Marshal(trial("a", 1))
	require.NoError(f, err)
	f.Add(append(line, '\n'))
	f.Add(line)
	f.Add([]byte("{}\n\n"))
	f.Add([]byte(`{"name":"X/stack=a/model=m/load=closed/conc=1","trial":1,"latencies_us":[1],"ttft_us":[-1]}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Run
		if r.readTrials(bytes.NewReader(text)) != nil {
			return
		}
		for _, tr := range r.Trials {
			require.NoError(t, tr.check())
			if line := tr.BenchLine(); line != "" {
				_, err := ReadBench(strings.NewReader(line+"\n"), "f")
				require.NoError(t, err, line)
			}
		}
	})
}
