package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/results"
)

// summary is of a window of so many requests, with a p99 unless it is 0.
func summary(issued int, p99 float64, broken ...meter.Rule) meter.Summary {
	s := meter.Summary{Issued: issued}
	if p99 > 0 {
		s.Metrics = []meter.Metric{{Unit: "p99-ms", Value: p99}}
	}
	for _, rule := range broken {
		s.Invalid = append(s.Invalid, meter.Reason{Rule: rule, Text: "broken: " + string(rule)})
	}
	return s
}

func TestWhetherAProbeHolds(t *testing.T) {
	k := kneeSearch{leaf: leaf{c: Case{Load: Knee(200 * time.Millisecond)}}}
	for name, c := range map[string]struct {
		sum   meter.Summary
		holds bool
		doubt string
		why   string
	}{
		"under the limit":        {summary(700, 199), true, "", ""},
		"over it":                {summary(700, 201), false, "", "p99 was 201 ms, over 200 ms"},
		"overloaded, so late":    {summary(700, 900, meter.RuleLate), false, "", "p99 was 900 ms, over 200 ms"},
		"the client was late":    {summary(700, 10, meter.RuleLate), true, "broken: late", "broken: late"},
		"the queue refused":      {summary(700, 10, meter.RuleFailed), false, "", "broken: failed"},
		"arrivals dropped":       {summary(700, 10, meter.RuleDropped), false, "", "broken: dropped"},
		"p99 falls on a failure": {summary(700, 0), false, "", "its p99 falls on a failed request"},
		"too few for a p99":      {summary(661, 0), false, "p99 needs 662 requests, and in 1m30s come 661", "p99 needs 662 requests, and in 1m30s come 661"},
		"wrong answers":          {summary(700, 10, meter.RuleAnswers), true, "broken: answers", "broken: answers"},
	} {
		t.Run(name, func(t *testing.T) {
			p, doubt := k.judge(50, c.sum)
			require.Equal(t, c.holds, p.Holds)
			require.Equal(t, c.doubt, doubt)
			require.Equal(t, c.why, p.Why)
			require.Equal(t, c.sum.Issued, p.Requests)
		})
	}
}

func kneeCase(limit time.Duration) Case {
	c := textCase(1, 0)
	c.Load = Knee(limit)
	return c
}

func TestKneeIsTheHighestRateThatHeld(t *testing.T) {
	r, _ := testRun(t, kneeCase(time.Second))
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "right"))
	require.False(t, failed)
	require.Len(t, trials, 1)
	one := trials[0]
	require.Empty(t, one.Error)
	require.Positive(t, one.Knee.Capacity)
	require.InDelta(t, 1000, one.Knee.LimitMS, 1e-9)
	require.NotEmpty(t, one.Knee.Probes)
	name, err := results.ParseName(one.Name)
	require.NoError(t, err)
	require.True(t, name.Knee)
	if why := one.Withheld["knee-rps"]; why != "" { // on a machine that is too busy to say
		require.NotContains(t, one.Metrics, "knee-rps")
		return
	}
	highest := 0.0
	for i, p := range one.Knee.Probes {
		again := i+1 < len(one.Knee.Probes) && one.Knee.Probes[i+1].Rate == p.Rate // the second look at a rate counts
		if p.Holds && !again {
			highest = max(highest, p.Rate)
		}
	}
	require.Equal(t, highest, one.Metrics["knee-rps"])
	require.Positive(t, one.Metrics["emb/s"])
	require.NotContains(t, one.Metrics, "p99-ms", "each stack's knee is at another rate: their latencies do not compare")
}

func TestNoRateHoldsALimitThatNothingCan(t *testing.T) {
	r, _ := testRun(t, kneeCase(time.Nanosecond))
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "right"))
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
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "dies=900"))
	require.True(t, failed)
	require.Len(t, trials, 1)
	require.Equal(t, "fake: the server exited with code 3: out of luck after 900 requests", trials[0].Error)
}
