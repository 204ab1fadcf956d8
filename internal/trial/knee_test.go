package trial

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/search"
	"stackbench/internal/suite"
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
	k := seeker{goal: kneeGoal(), probing: probing{leaf: Leaf{Case: suite.Case{Load: suite.Knee(200 * time.Millisecond)}}}}
	rule := kneeRule(suite.Options{}, 0)
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
	k := seeker{goal: kneeGoal(), probing: probing{rig: &Rig{}}}
	rule := kneeRule(suite.Options{Profile: suite.Standard}, 0)
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
