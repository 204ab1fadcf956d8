package bench

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/results"
)

// otherWeights serves weights that no golden answers are of.
func otherWeights(r *run) {
	m := r.Golden.Models[minilm]
	m.Golden, m.Ungolden, m.SHA256, m.Source = nil, "the golden answers are of other weights", strings.Repeat("ab", 32), "hub"
}

func TestReferenceStackStandsIn(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	otherWeights(r)
	r.Golden.Reference = fakestack.New(t, "reference", "right")
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "honest"))
	require.False(t, failed)
	require.Empty(t, trials[0].Invalid)
	require.Equal(t, trials[0].Answers.Checked, trials[0].Answers.Agree)
	require.Equal(t, "cosine ≥0.99999, same length, against the answers of onnxruntime (embedded stack), no PyTorch outputs of these weights; drawn at random, cosine ≥0.99999, same length, against the answers of the embedded stack", trials[0].Answers.Rule)
	require.Contains(t, notes.String(), "# all-minilm-l6-v2: the golden answers are of other weights; answers are held against those of onnxruntime (embedded stack)")

}

func TestWithoutAReferenceTheWindowIsInvalid(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	otherWeights(r)
	r.Golden.Reference = fakestack.New(t, "reference", "dies=0")
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "right"))
	require.False(t, failed)
	require.Empty(t, trials[0].Error)
	require.Zero(t, trials[0].Answers.Checked)
	why := strings.Join(results.Texts(trials[0].Invalid), "\n")
	require.Contains(t, why, "no answer was checked: the golden answers are of other weights, and the embedded stack cannot make reference answers: start reference: the server exited with code 3")
	require.Contains(t, notes.String(), "# all-minilm-l6-v2: the golden answers are of other weights, and the embedded stack cannot")
}
