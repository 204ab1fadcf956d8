package telemetry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Two windows with a warm-up between them: only what was counted inside the
// windows is in the work, whatever the server did in the warm-up.
func TestWhatIsCountedBetweenWindowsIsLeftOut(t *testing.T) {
	at := func(runs, items, seconds, tokens float64, sizes ...Bucket) Reading {
		return Reading{
			Batches:    &Batches{Runs: runs, Items: items, Sizes: sizes},
			Stages:     map[string]Sum{Compute: {Count: items, Seconds: seconds}},
			Generation: &Generation{Tokens: &tokens, First: &Sum{runs, seconds}, Prefix: &Prefix{Asked: tokens, Found: items}},
		}
	}
	var total Reading
	var err error
	for _, window := range [][2]Reading{
		{at(100, 100, 1, 1000, Bucket{1, 100}), at(110, 120, 1.2, 1100, Bucket{1, 100}, Bucket{4, 10})},
		// In the warm-up: 1,000 executions of 8 items that took 50 s.
		{at(1110, 8120, 51.2, 90_000, Bucket{1, 100}, Bucket{4, 10}, Bucket{8, 1000}), at(1115, 8140, 51.8, 90_050, Bucket{1, 100}, Bucket{2, 5}, Bucket{4, 10}, Bucket{8, 1000})},
	} {
		total, err = total.Grown(window[0], window[1])
		require.NoError(t, err)
	}
	got, err := total.Since(Reading{})
	require.NoError(t, err)
	require.Equal(t, &Batches{Runs: 15, Items: 40, Sizes: []Bucket{{2, 5}, {4, 10}}}, got.Batches)
	require.Equal(t, 4, got.Batches.Largest())
	require.Equal(t, []Stage{{Compute, 20 * time.Millisecond}}, got.Stages)
	require.InDelta(t, 150, *got.Generation.Tokens, 1e-9)
	require.InDelta(t, 15, got.Generation.First.Count, 1e-9)
	require.InDelta(t, 40, got.Generation.Prefix.Found, 1e-9)
	require.Nil(t, got.Generation.Whole)
	require.False(t, got.Restarted)
}

func TestACounterThatFellGivesNoReading(t *testing.T) {
	_, err := Reading{}.Grown(Reading{Batches: &Batches{Runs: 2}}, Reading{Batches: &Batches{Runs: 1}})
	require.ErrorIs(t, err, errBackwards)
	none, err := Reading{}.Grown(Reading{}, Reading{})
	require.NoError(t, err)
	got, err := none.Since(Reading{})
	require.NoError(t, err)
	require.Equal(t, Work{}, got)
}
