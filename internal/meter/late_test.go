package meter

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lateWindow is an open loop of n requests, the first k of them sent that late.
func lateWindow(n, k int, by time.Duration) Window {
	w := open(n, 50*ms, 0, 5*ms)
	for i := range k {
		w.Records[i].Sent += by
	}
	return w
}

// TestOneLateSendOfSixtySaysNothing: a send 1.03 ms late is the p99 of sixty, and
// condemned half of all quick windows at rate=20.
func TestOneLateSendOfSixtySaysNothing(t *testing.T) {
	judge := func(n, k int) []Reason {
		return Summarise([]Window{lateWindow(n, k, 1030*time.Microsecond)}, Evidence{}).Invalid
	}
	require.Empty(t, judge(60, 1))
	require.Empty(t, judge(60, 2))
	require.Equal(t, []Reason{{RuleLate, "4 of 60 sends were over 1.00 ms late, by up to 1.03 ms: of all sends, at least 1.8 %, over 1 %"}}, judge(60, 4))
	require.Empty(t, judge(1000, 15), "1.5 % of a thousand may be 1 % of all")
	require.Len(t, judge(1000, 20), 1)
	require.Equal(t, RuleLate, judge(20, 3)[0].Rule, "also few requests can tell")
}

// TestLeastShare holds the interval to the binomial sums in sixty digits.
func TestLeastShare(t *testing.T) {
	for _, c := range []struct {
		k, n int
		want float64
	}{{0, 10, 0}, {1, 10, 0.0025286}, {5, 10, 0.1870860}, {10, 10, 0.6915029}, {1, 60, 0.00042188}, {20, 1000, 0.0122583}} {
		require.InDelta(t, c.want, leastShare(c.k, c.n), 1e-6, "%d of %d", c.k, c.n)
	}
	require.Zero(t, atLeast(3, 10, 0))
	require.InDelta(t, 1, atLeast(0, 10, 0.5), 1e-12)
}

// TestHowOftenLatenessIsWrong: windows of quick and of standard in which sends
// are late by chance. The old rule, that the p99 is in time, refused 45 % of
// the windows of sixty in which one send in a hundred is late.
func TestHowOftenLatenessIsWrong(t *testing.T) {
	const windows = 600
	rng := rand.New(rand.NewPCG(12, 1))
	refused := func(n int, share float64) float64 {
		count := 0
		for range windows {
			s := sample{open: true, service: []time.Duration{5 * ms}}
			for range n {
				d := 100 * time.Microsecond
				if rng.Float64() < share {
					d = 2 * ms
				}
				s.late = append(s.late, d)
			}
			if s.brokenLate() != "" {
				count++
			}
		}
		return 100 * float64(count) / windows
	}
	for _, n := range []int{60, 600, 2000} {
		falsely, edge, double, much := refused(n, 0.005), refused(n, 0.01), refused(n, 0.03), refused(n, 0.1)
		t.Logf("%4d sends: refused at 0.5 %% late %.1f %%, at 1 %% late %.1f %%, at 3 %% late %.1f %%, at 10 %% late %.1f %%", n, falsely, edge, double, much)
		require.LessOrEqual(t, falsely, 1.0, n)
		require.LessOrEqual(t, edge, 4.5, n) // 2.5 by construction
		if n >= 600 {
			require.GreaterOrEqual(t, double, 90.0, n)
		}
		require.GreaterOrEqual(t, much, 90.0, n)
	}
}
