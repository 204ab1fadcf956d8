package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/unit"
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
	k := seeker{goal: kneeGoal(), probing: probing{leaf: leaf{c: Case{Load: Knee(200 * time.Millisecond)}}}}
	rule := kneeRule(Options{}, 0)
	share := func(within, all int) search.Share { return search.Share{Within: within, All: all} }
	for name, c := range map[string]struct {
		sum    meter.Summary
		share  search.Share
		answer search.Answer
		doubt  string
		why    string
	}{
		"under the limit":        {summary(700, 199), share(699, 700), search.Holds, "", ""},
		"over it":                {summary(700, 201), share(670, 700), search.Fails, "", "p99 was 201 ms, over 200 ms"},
		"overloaded, so late":    {summary(700, 900, meter.RuleLate), share(9, 700), search.Fails, "broken: late", "p99 was 900 ms, over 200 ms"},
		"the client was late":    {summary(700, 10, meter.RuleLate), share(700, 700), search.Holds, "broken: late", "broken: late"},
		"the queue refused":      {summary(700, 0, meter.RuleFailed), share(600, 700), search.Fails, "", "14.3 % of 700 requests took over 200 ms or failed (12.3–16.6 %)"},
		"arrivals dropped":       {summary(700, 10, meter.RuleDropped), share(690, 700), search.Unlikely, "", "undecided: 1.43 % of 700 requests took over 200 ms or failed (0.857–2.37 %)"},
		"at the limit":           {summary(700, 199), share(694, 700), search.Likely, "", "undecided: 0.857 % of 700 requests took over 200 ms or failed (0.445–1.65 %)"},
		"few, and all within it": {summary(300, 0), share(300, 300), search.Holds, "", ""},
		"few, and all over it":   {summary(5, 0), share(0, 5), search.Fails, "", "100 % of 5 requests took over 200 ms or failed (65.0–100 %)"},
		"too few":                {summary(200, 0), share(200, 200), search.Likely, "", "undecided: 0 % of 200 requests took over 200 ms or failed (0–1.33 %)"},
		"wrong answers":          {summary(700, 10, meter.RuleAnswers), share(700, 700), search.Holds, "broken: answers", "broken: answers"},
	} {
		t.Run(name, func(t *testing.T) {
			p, answer := k.judge(50, rule, c.sum, c.share)
			require.Equal(t, c.answer, answer)
			require.Equal(t, c.answer == search.Holds, p.Holds)
			require.Equal(t, c.answer.Open(), p.Open)
			require.Equal(t, c.doubt, doubted(c.sum))
			require.Equal(t, c.why, p.Why)
			require.Equal(t, c.share.All, p.Requests)
		})
	}
}

// TestAProbeLastsUntilItIsDecided: the rate says how long, and a slow server is
// asked for longer.
func TestAProbeLastsUntilItIsDecided(t *testing.T) {
	k := seeker{goal: kneeGoal(), probing: probing{run: &rig{}}}
	rule := kneeRule(Options{Profile: Standard}, 0)
	for rate, want := range map[float64]time.Duration{5.12: 106 * time.Second, 1000: 3 * time.Second} {
		p := k.goal.plan(&k, rate, rule, load.Marks{})
		require.InDelta(t, want.Seconds(), p.Window.Seconds(), 2)
	}
	require.Equal(t, 20*time.Second, extension(100, 50, 10*time.Second, time.Minute))
	require.Equal(t, 50*time.Second, extension(1000, 50, 10*time.Second, time.Minute), "no more than is left")
	require.Equal(t, 10*time.Second, extension(100, 0, 10*time.Second, time.Minute), "none came: as long again")
}

// TestFailuresCountInATally: they are not within the limit, and as alike as the rest.
func TestFailuresCountInATally(t *testing.T) {
	tallied := tally([]record.Record{
		{Outcome: record.Good, Intended: 0, Last: time.Millisecond}, {Outcome: record.Timeout}, {Outcome: record.Dropped},
	}, func(r record.Record) bool { return r.Outcome == record.Good }, func(record.Record) float64 { return 1 })
	require.Equal(t, search.Share{Within: 1, All: 3, Effective: 3}, tallied)
}

func kneeCase(limit time.Duration) Case {
	c := textCase(1, 0)
	c.Load = Knee(limit)
	return c
}

func TestKneeIsTheHighestRateThatHeld(t *testing.T) {
	r, _ := testRun(t, kneeCase(time.Second))
	r.set(func(o *Options) { o.Window = 100 * time.Millisecond }) // and probes of 1.5 s at most
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "right"))
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
