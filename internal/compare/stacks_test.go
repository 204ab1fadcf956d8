package compare

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

const units = "Unit p50-ms better=lower\nUnit p95-ms better=lower\nUnit p99-ms better=lower\nUnit rps better=higher\nUnit img/s better=higher\nUnit emb/s better=higher\nUnit mem-MB better=lower\n"

func name(group, stack, model, input string, batch, conc, rate int) results.Name {
	return results.Name{Group: group}.
		With(axis.Stack, stack).With(axis.Model, model).With(axis.Proto, "rest").With(axis.Input, input).
		With(axis.Batch, axis.Count(batch)).With(axis.Conc, axis.Count(conc)).With(axis.Rate, axis.Count(rate))
}

// trial has 140 requests that take p50 ms, the last 8 of them p95 ms.
func trial(n results.Name, number int, p50, p95, rate float64) results.Trial {
	rated := map[string]unit.Name{"ImageClassification": "img/s", "Embeddings": "emb/s", "BatchServing": "emb/s"}[n.Group]
	t := results.Trial{
		Name: n.String(), Trial: number, Seconds: 3, Issued: 140, Steady: "steady",
		Metrics:  map[unit.Name]float64{"p50-ms": p50, "p95-ms": p95, rated: rate, "rps": rate / float64(n.Number(axis.Batch)), "mem-MB": 400 + p50},
		Withheld: map[unit.Name]string{"p99-ms": "fewer than 662 requests"},
		Answers:  results.Answers{Checked: 20, Agree: 20, Rule: "top-1, logits within 1e-3"},
		Server:   results.Server{Launcher: "process", ReadyS: 2.3456},
	}
	var raw []float64
	for i := range 140 {
		us := p50 * 1000
		if i >= 132 {
			us = p95 * 1000
		}
		raw = append(raw, us)
	}
	t.Raw = map[unit.Series][]float64{unit.Response: raw}
	return t
}

func run(t *testing.T, env results.Env, trials ...results.Trial) *results.Run {
	t.Helper()
	return runWith(t, units, env, trials...)
}

func runWith(t *testing.T, units string, env results.Env, trials ...results.Trial) *results.Run {
	t.Helper()
	l, err := results.Create(t.TempDir(), "quick", time.Unix(0, 0), env)
	require.NoError(t, err)
	_, err = fmt.Fprint(l.Bench(), units)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, l.Append(tr))
	}
	require.NoError(t, l.Close())
	r, err := results.Open(l.Dir())
	require.NoError(t, err)
	return r
}

func quick() results.Env {
	return results.Env{
		Machine: results.Machine{CPU: "Some CPU", Cores: 2, MemoryMB: 8192, OS: "linux", Arch: "amd64"},
		Plan:    results.Plan{Profile: "quick", Window: "3s", Trials: 1},
		Models:  []results.Weights{{Model: "resnet50", Source: "seeded"}},
		Skipped: []results.Skip{{What: "riva", Why: "needs an NVIDIA GPU and a NIM key\nget one"}},
	}
}

func table(t *testing.T, r *results.Run) (text, markdown string) {
	t.Helper()
	tab, err := Stacks(r)
	require.NoError(t, err)
	var a, b bytes.Buffer
	require.NoError(t, tab.Text(&a))
	require.NoError(t, tab.Markdown(&b))
	return a.String(), b.String()
}

func TestStacksSideBySide(t *testing.T) {
	const image, emb = "ImageClassification", "Embeddings"
	doubtful := trial(name(image, "fastapi-onnxruntime", "resnet50", "jpeg", 1, 8, 0), 1, 95.12, 130, 80)
	doubtful.Invalid = []results.Reason{{Rule: "client-cpu", Text: "the client used 71 % of its cores, over 60 %"}}
	few := trial(name(image, "embedded", "resnet50", "jpeg", 32, 1, 0), 1, 1234.5, 0.1, 26)
	delete(few.Metrics, "p95-ms")
	few.Withheld["p95-ms"] = "fewer than 130 requests"
	broken := results.Trial{Name: name(image, "fastapi-onnxruntime", "resnet50", "jpeg", 32, 1, 0).String(), Trial: 1, Error: "start fastapi-onnxruntime: no correct reply within 1m0s\nsee the log"}
	wrong := trial(name(emb, "fastapi-onnxruntime", "all-minilm-l6-v2", "text", 1, 0, 8), 1, 21, 33, 8)
	wrong.Answers.Agree = 18
	wrong.Invalid = []results.Reason{{Rule: "answers", Text: "answers: 18 of 20 agree"}}
	r := run(t, quick(),
		trial(name(image, "fastapi-onnxruntime", "resnet50", "jpeg", 1, 1, 0), 1, 70.04, 80, 14.2),
		trial(name(image, "embedded", "resnet50", "jpeg", 1, 8, 0), 1, 100.6, 130, 79),
		trial(name(image, "embedded", "resnet50", "jpeg", 1, 1, 0), 1, 61.23, 65, 16.3),
		doubtful, few, broken, wrong,
		trial(name(emb, "embedded", "all-minilm-l6-v2", "text", 1, 0, 8), 1, 20, 30, 8),
	)
	text, markdown := table(t, r)
	golden(t, "stacks.txt", text)
	golden(t, "stacks.md", markdown)
	require.NotContains(t, text, "\x1b", "no colour, so NO_COLOR has nothing to switch off")
}

func TestTrialsArePooled(t *testing.T) {
	env := quick()
	env.Plan.Profile, env.Plan.Trials, env.Skipped = "standard", 3, nil
	n := name("ImageClassification", "embedded", "resnet50", "jpeg", 8, 1, 0)
	a, b, c := trial(n, 1, 10, 20, 100), trial(n, 2, 10, 20, 400), trial(n, 3, 10, 100, 200)
	a.Answers.Checked, a.Answers.Agree = 21, 21
	text, _ := table(t, run(t, env, a, b, c))
	golden(t, "pooled.txt", text)
	require.NotContains(t, text, "46.7", "the mean of the trials' p95")

	// Rank 399 of 420 falls on one of 22 failures in a trial that published no p95.
	c.Raw[unit.Response], c.Failed = c.Raw[unit.Response][:118], map[string]int{"timeout": 22}
	delete(c.Metrics, "p95-ms")
	c.Withheld["p95-ms"] = "+∞: the rank falls on a failed request"
	text, _ = table(t, run(t, env, a, b, c))
	require.Contains(t, text, "1 p95 value (+∞: the rank falls on a failed request)")
}

func TestARunWithNothingMeasuredYet(t *testing.T) {
	text, markdown := table(t, run(t, quick()))
	require.Equal(t, "Not shown: riva: needs an NVIDIA GPU and a NIM key.\nMeasured on 2 × Some CPU, 8.19 GB, linux/amd64, no GPU; profile quick, windows of 3s, 1 trial. Weights: resnet50 seeded.\n"+
		"Quick profile: indications, not evidence; for evidence: make bench PROFILE=standard\n", text)
	require.NotContains(t, markdown, "|")
}

func TestOnlyAFewDoubtsArePrinted(t *testing.T) {
	tr := trial(name("Embeddings", "a", "m", "text", 1, 1, 0), 1, 10, 20, 100)
	for i := range 9 {
		tr.Invalid = append(tr.Invalid, results.Reason{Text: fmt.Sprintf("reason %d", i)})
	}
	text, _ := table(t, run(t, quick(), tr))
	require.Contains(t, text, "reason 4\n! and 4 more reasons, in the run's folder\n")
}

func TestChange(t *testing.T) {
	for want, ratio := range map[string]float64{"+23%": 1.23, "−18%": 0.82, "+4.2%": 1.042, "−4.2%": 0.958, "±0%": 1.0004, "+10%": 1.0996, "×12": 12.1, "+899%": 9.99} {
		require.Equal(t, want, change(ratio))
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "·–−±∞": 5, "e\u0301": 1, "日本": 4, "a\u200bb": 2} {
		require.Equal(t, want, columns(s), s)
	}
	require.Equal(t, "日本  |", pad("日本", 6)+"|")
}

// The columns of a block stand below each other, whatever is in them.
func TestAlignment(t *testing.T) {
	block := Block{Title: "t · ü", Stacks: []string{"a", "stack-b"}, Rows: []Row{
		{Label: "batch=1 conc=1", Unit: "p95-ms", Cells: []Cell{{Text: "1.00", Remark: "best"}, {Text: "1000", Remark: "(×1000)"}}},
		{Label: "batch=1 conc=1", Unit: "rps", Cells: []Cell{{Text: none}, {Text: "12.3", Doubt: true}}},
		{Label: "memory, ready", Cells: []Cell{{Text: "1 MB, 1 s"}, {Text: none}}},
	}}
	var b strings.Builder
	block.text(&b)
	require.Equal(t, ""+
		"t · ü                      a            stack-b\n"+
		"  batch=1 conc=1  p95-ms   1.00  best   1000  (×1000)\n"+
		"                  rps         –         12.3  !\n"+
		"  memory, ready            1 MB, 1 s    –\n", b.String())
}
