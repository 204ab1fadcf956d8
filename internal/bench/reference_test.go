package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stackbench"

	"github.com/stretchr/testify/require"

	"stackbench/internal/quality"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

// served with weights that no golden answers are of.
func otherWeights(r *run) *reference {
	m := r.store.models[minilm]
	m.golden, m.ungolden, m.SHA256, m.Source = nil, "the golden answers are of other weights", strings.Repeat("ab", 32), "hub"
	return m
}

func TestGoldenAnswersMustBeOfTheServedWeights(t *testing.T) {
	all, err := quality.ReadGolden(stackbench.Testdata(), minilm)
	require.NoError(t, err)
	of := func(name, sum string, kind stack.Task) *reference {
		m := &reference{prepared: &prepared{served: served{Model: stack.Model{Name: name, Task: kind}, SHA256: sum}}}
		require.NoError(t, m.committed())
		return m
	}
	m := of(minilm, all.SHA256, stack.Embeddings)
	require.Empty(t, m.ungolden)
	require.Equal(t, all, m.golden)
	m = of(minilm, strings.Repeat("0", 64), stack.Embeddings)
	require.Nil(t, m.golden)
	require.Contains(t, m.ungolden, "not of the served 000000000000")
	require.NotContains(t, m.ungolden, "\n")
	m = of("no-such-model", "", stack.Embeddings)
	require.Nil(t, m.golden)
	require.Contains(t, m.ungolden, "no golden answers of no-such-model")

	texts, err := quality.ReadTexts(stackbench.Testdata(), "gpt2")
	require.NoError(t, err)
	m = of("gpt2", texts.SHA256, stack.TextGeneration)
	require.Equal(t, texts, m.texts)
	m = of("gpt2", strings.Repeat("0", 64), stack.TextGeneration)
	require.Nil(t, m.texts)
	require.Contains(t, m.ungolden, "the golden texts of gpt2 are of weights")
}

func TestReferenceStackStandsIn(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	m := otherWeights(r)
	r.store.of = fakeStack(t, "reference", "right")
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "honest"))
	require.False(t, failed)
	require.Empty(t, trials[0].Invalid)
	require.Equal(t, trials[0].Answers.Checked, trials[0].Answers.Agree)
	require.Equal(t, "cosine ≥0.99999, same length, against the answers of onnxruntime (embedded stack), no PyTorch outputs of these weights; drawn at random, cosine ≥0.99999, same length, against the answers of the embedded stack", trials[0].Answers.Rule)
	require.Contains(t, notes.String(), "# all-minilm-l6-v2: the golden answers are of other weights; answers are held against those of onnxruntime (embedded stack)")

	files, err := filepath.Glob(r.env.cache + "/models/" + minilm + "/reference-abababababab-*.safetensors")
	require.NoError(t, err)
	require.Len(t, files, 1)
	kept := m.golden
	m.golden, m.sought = nil, false
	r.store.of = fakeStack(t, "reference", "dies=0") // it would fail if it were asked again
	require.Contains(t, r.store.refer(context.Background(), m), "answers are held against")
	require.Equal(t, kept, m.golden)

	require.NoError(t, os.WriteFile(files[0], []byte("half"), 0o644))
	m.golden, m.sought = nil, false
	require.Contains(t, r.store.refer(context.Background(), m), "cannot make reference answers: start reference: the server exited with code 3")
	require.Nil(t, m.golden, "a damaged file is no reference")
}

func TestWithoutAReferenceTheWindowIsInvalid(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	otherWeights(r)
	r.store.of = fakeStack(t, "reference", "dies=0")
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "right"))
	require.False(t, failed)
	require.Empty(t, trials[0].Error)
	require.Zero(t, trials[0].Answers.Checked)
	why := strings.Join(results.Texts(trials[0].Invalid), "\n")
	require.Contains(t, why, "no answer was checked: the golden answers are of other weights, and the embedded stack cannot make reference answers: start reference: the server exited with code 3")
	require.Contains(t, notes.String(), "# all-minilm-l6-v2: the golden answers are of other weights, and the embedded stack cannot")
}

func TestInterruptionIsNotRemembered(t *testing.T) {
	r, _ := testRun(t)
	m := otherWeights(r)
	r.store.of = fakeStack(t, "reference", "right")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Empty(t, r.store.refer(ctx, m))
	require.False(t, m.sought)
	require.Nil(t, m.golden)
}
