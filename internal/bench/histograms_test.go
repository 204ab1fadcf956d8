package bench

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/hist"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

// TestEveryTrialHasItsHistograms holds them to the raw times of the trial.
func TestEveryTrialHasItsHistograms(t *testing.T) {
	r, _ := testRun(t)
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "right"))
	require.False(t, failed)
	require.Len(t, trials, 2)
	for _, one := range trials {
		f, err := os.Open(results.HistFile(r.log.Dir(), one.Name, 1))
		require.NoError(t, err)
		got, err := hist.Read(f)
		require.NoError(t, f.Close())
		require.NoError(t, err)
		require.EqualValues(t, len(one.Raw[unit.Response]), got[hist.Response].Count())
		require.EqualValues(t, len(one.Raw[unit.Response]), got[hist.Service].Count())
		median, _ := unit.Nearest(slices.Sorted(slices.Values(one.Raw[unit.Response])), 0, 50)
		rank := int64(len(one.Raw[unit.Response])+1) / 2
		require.InDelta(t, median, float64(got[hist.Response].Rank(rank))/1e3, 0.6+median/1000, "a unit of the histogram, or three digits")
	}
}

// TestWithheldTimesHaveNoHistogram: the numbers could be had from it.
func TestWithheldTimesHaveNoHistogram(t *testing.T) {
	r, _ := testRun(t, textCase(1, 1))
	r.set(func(o *suite.Options) { o.Profile = suite.Standard })
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "nonsense=1"))
	require.True(t, failed)
	require.Len(t, trials, 1)
	require.NoFileExists(t, results.HistFile(r.log.Dir(), trials[0].Name, 1))
	require.Empty(t, r.Histograms)
}
