package runner

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/plan"
)

// rounds are n rounds of two jobs each, of so many expected seconds.
func rounds(n int, seconds float64) []Job {
	var out []Job
	for trial := 1; trial <= n; trial++ {
		for _, s := range []string{"a", "b"} {
			out = append(out, Job{Stack: s, Trial: trial, Leaves: []plan.Leaf{{Seconds: seconds / 4}, {Seconds: seconds / 4}}})
		}
	}
	return out
}

func TestABudgetFitsWholeRounds(t *testing.T) {
	require.InDelta(t, 100, Round(rounds(3, 100)), 1e-9)
	for limit, want := range map[time.Duration]int{99 * time.Second: 0, 100 * time.Second: 1, 350 * time.Second: 3, 24 * time.Hour: MostRounds} {
		require.Equal(t, want, Budget{Limit: limit}.Fits(100), limit)
	}
	cut := Rounds(rounds(3, 100)[1:]) // a run that is gone on with: its first round has begun
	require.Len(t, cut, 3)
	require.Len(t, cut[0], 1)
	require.Len(t, cut[2], 2)
	require.Empty(t, Rounds(nil))
}

// TestABudgetStopsByMeasuredTime: what was expected does not count, what the
// longest round took does.
func TestABudgetStopsByMeasuredTime(t *testing.T) {
	never := func() bool { return false }
	spend := func(took ...time.Duration) (int, error) {
		clock := time.Unix(0, 0)
		b := Budget{Limit: 100 * time.Second, Now: func() time.Time { return clock }}
		n := 0
		return b.Spend(Rounds(rounds(len(took), 10)), never, func(round []Job) error {
			require.Len(t, round, 2)
			clock = clock.Add(took[n])
			n++
			return nil
		})
	}
	sec := time.Second
	for _, c := range []struct {
		took []time.Duration
		want int
	}{
		{[]time.Duration{50 * sec, 50 * sec, sec}, 2},
		{[]time.Duration{10 * sec, 60 * sec, 10 * sec}, 2}, // another of 60 s does not fit
		{[]time.Duration{300 * sec, sec}, 1},
		{[]time.Duration{sec, sec, sec}, 3},
	} {
		done, err := spend(c.took...)
		require.NoError(t, err)
		require.Equal(t, c.want, done, c.took)
	}
}

func TestABudgetEndsWhenAskedAndKeepsFailures(t *testing.T) {
	asked := false
	b := Budget{Limit: time.Hour, Now: func() time.Time { return time.Unix(0, 0) }}
	done, err := b.Spend(Rounds(rounds(5, 10)), func() bool { return asked }, func(round []Job) error {
		asked = round[0].Trial == 2
		return errors.New("broken")
	})
	require.Equal(t, 2, done)
	require.EqualError(t, err, "broken\nbroken")
}

func TestABudgetEndsWhereNothingCanBeWritten(t *testing.T) {
	b := Budget{Limit: time.Hour, Now: func() time.Time { return time.Unix(0, 0) }}
	done, err := b.Spend(Rounds(rounds(5, 10)), func() bool { return false }, func([]Job) error { return &Lost{Err: errors.New("disk full")} })
	require.Equal(t, 1, done)
	require.Error(t, err)
}

// TestEvidenceIsTheRankTests: the least p of n against n, from the tables.
func TestEvidenceIsTheRankTests(t *testing.T) {
	for trials, want := range map[int]string{
		1:  "1 trial: an indication, no verdict",
		2:  "2 trials: no verdict can reach p < 0.05 (at best 0.33); 4 can",
		3:  "3 trials: no verdict can reach p < 0.05 (at best 0.10); 4 can",
		4:  "4 trials: verdicts, no intervals (p at best 0.029: where at most 1 metric is compared)",
		5:  "5 trials: verdicts, no intervals (p at best 0.0079: where at most 6 metrics are compared)",
		6:  "6 trials: intervals and verdicts (p at best 0.0022: where at most 23 metrics are compared)",
		10: "10 trials: intervals and verdicts",
	} {
		require.Equal(t, want, Evidence(trials))
	}
}
