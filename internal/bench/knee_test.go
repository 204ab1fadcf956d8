package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/fakestack"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

func kneeCase(limit time.Duration) suite.Case {
	c := textCase(1, 0)
	c.Load = suite.Knee(limit)
	return c
}

func TestKneeIsTheHighestRateThatHeld(t *testing.T) {
	r, _ := testRun(t, kneeCase(time.Second))
	r.set(func(o *suite.Options) { o.Window = 100 * time.Millisecond }) // and probes of 1.5 s at most
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "right"))
	require.False(t, failed)
	require.Len(t, trials, 1)
	one := trials[0]
	require.Empty(t, one.Error)
	require.Positive(t, one.Knee.Capacity)
	require.InDelta(t, 1000, one.Knee.LimitMS, 1e-9)
	require.NotEmpty(t, one.Knee.Probes)
	t.Log(one.Withheld)
	for _, p := range one.Knee.Probes {
		t.Logf("%+v", p)
	}
	name, err := results.ParseName(one.Name)
	require.NoError(t, err)
	require.Equal(t, axis.Knee, name.Get(axis.Load))
	if why := one.Withheld["knee-rps"]; why != "" { // on a machine that is too busy to say
		require.NotContains(t, one.Metrics, unit.KneeRps)
		return
	}
	highest, likely := 0.0, 0.0
	for i, p := range one.Knee.Probes {
		again := i+1 < len(one.Knee.Probes) && one.Knee.Probes[i+1].Rate == p.Rate // the second look at a rate counts
		if p.Holds && !again {
			highest = max(highest, p.Rate)
		}
		if p.Within >= 0.99 && p.Rate < one.Knee.High {
			likely = max(likely, p.Rate)
		}
	}
	require.Equal(t, highest, one.Knee.Low)
	require.Equal(t, likely, one.Metrics["knee-rps"])
	require.GreaterOrEqual(t, one.Metrics["knee-rps"], one.Knee.Low)
	require.Less(t, one.Metrics["knee-rps"], one.Knee.High)
	require.Positive(t, one.Metrics["emb/s"])
	require.NotContains(t, one.Metrics, unit.P99, "each stack's knee is at another rate: their latencies do not compare")
}

func TestNoRateHoldsALimitThatNothingCan(t *testing.T) {
	r, _ := testRun(t, kneeCase(time.Nanosecond))
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "right"))
	require.False(t, failed, "it is an answer, not a failure")
	require.Len(t, trials, 1)
	require.Empty(t, trials[0].Metrics)
	require.Contains(t, trials[0].Withheld["knee-rps"], "no rate held; at ")
	require.NotEmpty(t, trials[0].Knee.Probes)
	for _, p := range trials[0].Knee.Probes {
		require.False(t, p.Holds)
	}
}

func TestServerThatDiesInASearch(t *testing.T) {
	r, _ := testRun(t, kneeCase(time.Second))
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "dies=900"))
	require.True(t, failed)
	require.Len(t, trials, 1)
	require.Equal(t, "fake: the server exited with code 3: out of luck after 900 requests", trials[0].Error)
}
