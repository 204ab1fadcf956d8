package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
)

// The system clock runs on real time; only what holds on any machine, however
// busy, is asserted: never early, and cancellable. How late is for benchmarks.
func TestSystemClockIsNeverEarly(t *testing.T) {
	c := load.SystemClock()
	defer func() { require.NoError(t, c.Close()) }()
	next := c.Now()
	for range 200 {
		next = next.Add(100 * time.Microsecond)
		require.NoError(t, c.SleepUntil(t.Context(), next))
		require.False(t, c.Now().Before(next))
	}
}

func TestSystemClockIsCancelled(t *testing.T) {
	c := load.SystemClock()
	defer func() { require.NoError(t, c.Close()) }()
	for range 20 { // a cancelled sleep leaves nothing behind for the next
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		require.ErrorIs(t, c.SleepUntil(ctx, c.Now().Add(time.Hour)), context.DeadlineExceeded)
		cancel()
		require.ErrorIs(t, c.SleepUntil(ctx, c.Now().Add(-time.Hour)), context.DeadlineExceeded, "late, but stopped")

		soon := c.Now().Add(200 * time.Microsecond)
		require.NoError(t, c.SleepUntil(t.Context(), soon))
		require.False(t, c.Now().Before(soon))
	}
}

func TestSystemClockOpensAgainAfterClose(t *testing.T) {
	c := load.SystemClock()
	require.NoError(t, c.Close(), "nothing was opened")
	for range 2 {
		soon := c.Now().Add(time.Millisecond)
		require.NoError(t, c.SleepUntil(t.Context(), soon))
		require.False(t, c.Now().Before(soon))
		require.NoError(t, c.Close())
	}
}

// The same plan in real time: no arrival is lost and none is early.
func TestRunOnTheSystemClock(t *testing.T) {
	c := load.SystemClock()
	defer func() { require.NoError(t, c.Close()) }()
	result, err := load.Run(t.Context(), load.Plan{
		Arrivals: load.Arrivals{Rate: 2000}, Conns: 16, Queue: 10_000, Warmup: 20 * ms, Window: 200 * ms, Timeout: time.Minute,
	}, &server{service: takes(0)}, c)
	require.NoError(t, err)
	require.Len(t, result.Records, 400)
	for i, r := range result.Records {
		require.Equal(t, time.Duration(i)*ms/2, r.Intended)
		require.GreaterOrEqual(t, r.Sent, r.Intended)
	}
}
