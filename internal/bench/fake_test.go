package bench

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/fakestack"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/trial"
)

const minilm = fakestack.MiniLM

func TestMain(m *testing.M) {
	fakestack.Serve()
	os.Exit(mainly(m))
}

func textCase(batch, conc int) suite.Case {
	return suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text, Batch: batch, Load: suite.Closed(conc)}
}

// testRun measures cases of embeddings, or two of them where none is given, with
// nothing fetched and a short window.
func testRun(t testing.TB, cases ...suite.Case) (*run, *bytes.Buffer) {
	t.Helper()
	var notes bytes.Buffer
	return embeddingRun(t, &notes, cases...), &notes
}

func embeddingRun(t testing.TB, notes io.Writer, cases ...suite.Case) *run {
	t.Helper()
	if len(cases) == 0 {
		cases = []suite.Case{textCase(1, 1), textCase(2, 2)}
	}
	served, right := fakestack.Embedder(t)
	return runOf(t, suite.Group{Name: "embeddings", Title: "Embeddings", Cases: cases}, &golden.Model{Served: served, Right: right}, notes)
}

// runOf measures a group of one model, which is ready.
func runOf(t testing.TB, g suite.Group, m *golden.Model, notes io.Writer) *run {
	t.Helper()
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	log, err := results.Create(t.TempDir(), "test", time.Now(), results.Env{Machine: results.Machine{CPU: "a test's"}, Plan: results.Plan{Profile: "quick"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	h, err := host.Survey(suite.Options{
		Start: suite.Start{Device: "cpu", Launcher: "process"}, Window: 600 * time.Millisecond, Record: suite.Record{Folder: log.Dir(), Trial: 1, Seed: 9},
	})
	require.NoError(t, err)
	all, err := cpuset.Usable()
	require.NoError(t, err)
	h.Client, h.Cores, _ = cpuset.Split(all)
	h.Stat = fakestack.Idle(all)
	require.NoError(t, os.MkdirAll(filepath.Join(h.Cache, "models", m.Name), 0o755))
	r := trial.NewRig(h, g, notes)
	r.Golden.Models[m.Name] = m
	return &run{Rig: r, log: log, marks: io.Discard}
}

// set changes what was asked for, everywhere.
func (r *run) set(change func(o *suite.Options)) {
	change(&r.Options)
	change(&r.Host.Options)
	change(&r.Golden.Supply.Options)
}

// measured runs all cases on the stack, as Run does, and returns what was
// recorded and whether the benchmark failed.
func measured(ctx context.Context, t *testing.T, r *run, s stack.Stack) (trials []results.Trial, failed bool) {
	t.Helper()
	testing.Benchmark(func(b *testing.B) {
		r.cases(ctx, b, s, minilm)
		failed = b.Failed()
	})
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	return kept.Trials, failed
}

// session of a stack that is stopped when the test ends.
func testSession(t *testing.T, r *run, s stack.Stack) *trial.Subject {
	t.Helper()
	ses := r.Subject(s, r.Golden.Models[minilm])
	t.Cleanup(func() { require.NoError(t, ses.Stop(context.Background())) })
	return ses
}
