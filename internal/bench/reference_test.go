package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/quality"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/task"
)

// served with weights that no golden answers are of.
func otherWeights(r *run) *golden.Reference {
	m := r.Golden.Models[minilm]
	m.Golden, m.Ungolden, m.SHA256, m.Source = nil, "the golden answers are of other weights", strings.Repeat("ab", 32), "hub"
	return m
}

func TestGoldenAnswersMustBeOfTheServedWeights(t *testing.T) {
	all, err := quality.ReadGolden(stackbench.Testdata(), minilm)
	require.NoError(t, err)
	of := func(name, sum string, kind stack.Task) *golden.Reference {
		m := &golden.Reference{Prepared: &host.Prepared{Served: task.Served{Model: stack.Model{Name: name, Task: kind}, SHA256: sum}}}
		require.NoError(t, m.Committed())
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

func TestReferenceStackStandsIn(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	m := otherWeights(r)
	r.Golden.Of = fakeStack(t, "reference", "right")
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "honest"))
	require.False(t, failed)
	require.Empty(t, trials[0].Invalid)
	require.Equal(t, trials[0].Answers.Checked, trials[0].Answers.Agree)
	require.Equal(t, "cosine ≥0.99999, same length, against the answers of onnxruntime (embedded stack), no PyTorch outputs of these weights; drawn at random, cosine ≥0.99999, same length, against the answers of the embedded stack", trials[0].Answers.Rule)
	require.Contains(t, notes.String(), "# all-minilm-l6-v2: the golden answers are of other weights; answers are held against those of onnxruntime (embedded stack)")

	files, err := filepath.Glob(r.Host.Cache + "/models/" + minilm + "/reference-abababababab-*.safetensors")
	require.NoError(t, err)
	require.Len(t, files, 1)
	kept := m.Golden
	m.Golden, m.Sought = nil, false
	r.Golden.Of = fakeStack(t, "reference", "dies=0") // it would fail if it were asked again
	require.Contains(t, r.Golden.Refer(context.Background(), m), "answers are held against")
	require.Equal(t, kept, m.Golden)

	require.NoError(t, os.WriteFile(files[0], []byte("half"), 0o644))
	m.Golden, m.Sought = nil, false
	require.Contains(t, r.Golden.Refer(context.Background(), m), "cannot make reference answers: start reference: the server exited with code 3")
	require.Nil(t, m.Golden, "a damaged file is no reference")
}

func TestWithoutAReferenceTheWindowIsInvalid(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	otherWeights(r)
	r.Golden.Of = fakeStack(t, "reference", "dies=0")
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
	r.Golden.Of = fakeStack(t, "reference", "right")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Empty(t, r.Golden.Refer(ctx, m))
	require.False(t, m.Sought)
	require.Nil(t, m.Golden)
}
