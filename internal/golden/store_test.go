package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/fakestack"
	"stackbench/internal/host"
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/task"
)

const minilm = fakestack.MiniLM

func TestMain(m *testing.M) {
	fakestack.Serve()
	os.Exit(m.Run())
}

// newStore has no answers, and a cache to keep some of the model in.
func newStore(t *testing.T, stacks ...stack.Stack) *Store {
	t.Helper()
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	h, err := host.Survey(suite.Options{Start: suite.Start{Device: "cpu", Launcher: "process"}, Stacks: stacks, Record: suite.Record{Trial: 1, Seed: 9}})
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(h.Cache, "models", minilm), 0o755))
	return NewStore(h, suite.Group{Name: "embeddings", Title: "Embeddings"})
}

// otherWeights is a model with weights that no golden answers are of.
func otherWeights(t *testing.T) *Model {
	t.Helper()
	served, _ := fakestack.Embedder(t)
	served.SHA256, served.Source = strings.Repeat("ab", 32), "hub"
	return &Model{Served: served, Right: task.Right{Ungolden: "the golden answers are of other weights"}}
}

func TestGoldenAnswersMustBeOfTheServedWeights(t *testing.T) {
	all, err := quality.ReadGolden(stackbench.Testdata(), minilm)
	require.NoError(t, err)
	of := func(name, sum string, kind stack.Task) *Model {
		m := &Model{Served: task.Served{Model: stack.Model{Name: name, Task: kind}, SHA256: sum}}
		require.NoError(t, m.readCommitted())
		return m
	}
	m := of(minilm, all.SHA256, stack.Embeddings)
	require.Empty(t, m.Ungolden)
	require.Equal(t, all, m.Golden)
	m = of(minilm, strings.Repeat("0", 64), stack.Embeddings)
	require.Nil(t, m.Golden)
	require.Contains(t, m.Ungolden, "not of the served 000000000000")
	require.NotContains(t, m.Ungolden, "\n")
	m = of("no-such-model", "", stack.Embeddings)
	require.Nil(t, m.Golden)
	require.Contains(t, m.Ungolden, "no golden answers of no-such-model")

	texts, err := quality.ReadTexts(stackbench.Testdata(), "gpt2")
	require.NoError(t, err)
	m = of("gpt2", texts.SHA256, stack.TextGeneration)
	require.Equal(t, texts, m.Texts)
	m = of("gpt2", strings.Repeat("0", 64), stack.TextGeneration)
	require.Nil(t, m.Texts)
	require.Contains(t, m.Ungolden, "the golden texts of gpt2 are of weights")
}
