package load

import (
	"iter"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// take returns the first n offsets.
func take(s iter.Seq[time.Duration], n int) []time.Duration {
	var out []time.Duration
	for d := range s {
		if out = append(out, d); len(out) == n {
			break
		}
	}
	return out
}

func TestConstantOffsets(t *testing.T) {
	const ms, us = time.Millisecond, time.Microsecond
	for _, c := range []struct {
		name string
		rate float64
		want []time.Duration
	}{
		{"round", 1000, []time.Duration{0, ms, 2 * ms, 3 * ms}},
		{"one that binary fractions cannot hold", 2000, []time.Duration{0, 500 * us, ms, 1500 * us}},
		{"thirds round to the nearest nanosecond", 3, []time.Duration{0, 333333333, 666666667, time.Second}},
		{"slower than one a second", 0.5, []time.Duration{0, 2 * time.Second, 4 * time.Second}},
		{"faster than the clock", 4e9, []time.Duration{0, 0, 1, 1, 1}},
		{"beyond what a duration holds", 1e-12, []time.Duration{0, math.MaxInt64, math.MaxInt64}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, take(Arrivals{Rate: c.rate}.offsets(), len(c.want)))
		})
	}
}

// Rounding must not add up: the millionth third is still a third.
func TestConstantOffsetsDoNotDrift(t *testing.T) {
	n := 0
	for due := range constant(3) {
		if n == 3_000_000 {
			require.Equal(t, 1_000_000*time.Second, due)
			return
		}
		n++
	}
}

func TestPoissonOffsets(t *testing.T) {
	const n = 100_000
	due := take(Arrivals{Rate: 500, Poisson: true, Seed: 7}.offsets(), n)
	require.Equal(t, due, take(poisson(500, 7), n), "same seed, same schedule")
	require.NotEqual(t, due[:10], take(poisson(500, 8), 10), "another seed, another schedule")

	var sum, squares float64
	before := time.Duration(0)
	for _, d := range due {
		gap := (d - before).Seconds() * 500
		if gap < 0 {
			t.Fatalf("due at %v after %v", d, before)
		}
		sum, squares, before = sum+gap, squares+gap*gap, d
	}
	mean := sum / n
	// An exponential distribution's deviation equals its mean; 2 % is over six
	// standard errors at this size.
	require.InDelta(t, 1, mean, 0.02)
	require.InDelta(t, 1, math.Sqrt(squares/n-mean*mean)/mean, 0.02)
	require.Positive(t, due[0], "the first arrival has a gap too")
}

// The schedule scales with the rate: a seed's pattern is the same at any load.
func TestPoissonScalesWithRate(t *testing.T) {
	slow, fast := take(poisson(10, 3), 50), take(poisson(1000, 3), 50)
	for i := range slow {
		require.InDelta(t, float64(slow[i]), 100*float64(fast[i]), 51)
	}
}
