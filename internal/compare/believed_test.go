package compare

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/results"
)

// TestDisturbedTrialsAreNotCompared: six good trials and three of a disturbed
// machine are six, and a run that was disturbed throughout is judged by nothing.
func TestDisturbedTrialsAreNotCompared(t *testing.T) {
	leaf := name("Embeddings", "embedded", "m", "text", 1, 4, 0)
	load := func(doubtful int) (*results.Bench, *results.Run) {
		l, err := results.Create(t.TempDir(), "quick", quick().Started, quick())
		require.NoError(t, err)
		_, err = l.Bench().Write([]byte(units))
		require.NoError(t, err)
		for i := range 9 {
			one := trial(leaf, i+1, 40+float64(i)/100, 60, 100)
			switch {
			case i < doubtful-1:
				one.Doubts = []results.Reason{{Rule: "foreign", Text: "somebody else"}}
				one.Metrics["p50-ms"] = 80 + float64(i)/100
			case i == doubtful-1:
				one.Invalid = []results.Reason{{Rule: "answers", Text: "wrong"}}
				one.Metrics["p50-ms"] = 0.1
			}
			require.NoError(t, l.Append(one))
			_, err = l.Bench().Write([]byte(one.BenchLine() + "\n"))
			require.NoError(t, err)
		}
		require.NoError(t, l.Close())
		b, err := results.LoadBench(filepath.Join(l.Dir(), results.BenchFile))
		require.NoError(t, err)
		r, err := results.Open(l.Dir())
		require.NoError(t, err)
		return b, r
	}
	old, oldRun := load(0)
	fresh, freshRun := load(3)
	require.Empty(t, Believe(old, oldRun))
	require.Equal(t, "3 trials of 1 benchmark invalid or in doubt, and not compared", Believe(fresh, freshRun))
	l := verdict(t, Runs(old, fresh, Options{}), "p50-ms")
	require.Equal(t, 6, l.New.N)
	require.Equal(t, Same, l.Verdict)
	all, allRun := load(9)
	require.NotEmpty(t, Believe(all, allRun))
	require.Equal(t, CannotJudge, verdict(t, Runs(old, all, Options{}), "p50-ms").Verdict)
}
