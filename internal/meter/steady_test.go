package meter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// loop is one user whose request number i takes took(i).
func loop(n int, took func(i int) time.Duration) Window {
	w := Window{Conns: 1, Items: each(1)}
	at := time.Duration(0)
	for i := range n {
		w.Records = append(w.Records, good(at, took(i)))
		at += took(i)
	}
	w.Length = at
	return w
}

func TestSteadyState(t *testing.T) {
	check := func(name string, w Window, want Steady, detail string) {
		t.Helper()
		got := Judge(w)
		require.Equal(t, want, got.Verdict, "%s: %s", name, got.Detail)
		require.Equal(t, detail, got.Detail, name)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	jitter := func(int) time.Duration { return 10*ms + time.Duration(noise.Int64N(int64(ms/5))) }
	check("one pace", loop(600, jitter), IsSteady, "")
	check("many users", closed(16, 160*ms, 6*sec), IsSteady, "")
	check("few requests", loop(119, jitter), TooShort, "fewer than 120 requests")
	check("ever slower, by little", loop(600, func(i int) time.Duration { return 10*ms + time.Duration(i)*time.Microsecond }),
		NotSteady, "throughput falls over the 6 sub-windows")
	check("slow at the end", loop(600, func(i int) time.Duration {
		if i >= 500 {
			return 12 * ms
		}
		return 10 * ms
	}), NotSteady, "throughput of the last 3 of 6 sub-windows differs by 20 %, over 10 %")
	check("only the tail grows", loop(600, func(i int) time.Duration {
		if i >= 500 && i%10 == 0 {
			return 15 * ms
		}
		return 10 * ms
	}), NotSteady, "p95 of the last 3 of 6 sub-windows differs by 50 %, over 10 %")
	check("slow only at first", loop(600, func(i int) time.Duration {
		if i < 100 {
			return 30 * ms
		}
		return jitter(i)
	}), IsSteady, "")
}

func TestSteadyStateOfAnOpenLoop(t *testing.T) {
	require.Equal(t, IsSteady, Judge(open(600, 10*ms, 0, 5*ms)).Verdict)

	// Poisson arrivals jump in rate by themselves; the stack is steady.
	r := rand.New(rand.NewPCG(3, 4))
	w := Window{Open: true}
	for range 600 {
		w.Length += time.Duration(r.ExpFloat64() * float64(10*ms))
		w.Records = append(w.Records, good(w.Length, 5*ms))
	}
	require.Equal(t, IsSteady, Judge(w).Verdict)

	// A queue that grows all the time.
	w = open(600, 10*ms, 0, 5*ms)
	for i := range w.Records {
		w.Records[i].Last += time.Duration(i) * 10 * time.Microsecond
	}
	require.Equal(t, Steadiness{NotSteady, "p95 of the last 3 of 6 sub-windows differs by 22 %, over 10 %"}, Judge(w))

	w = open(600, 10*ms, 0, 5*ms)
	for i := 500; i < 600; i += 4 {
		w.Records[i] = failed(w.Records[i].Sent, sec, record.Timeout)
	}
	require.Equal(t, NotSteady, Judge(w).Verdict)
}

func TestAWindowWithoutASteadyStateIsInvalidOnlyWhereItIsNeeded(t *testing.T) {
	w := loop(600, func(i int) time.Duration { return 10*ms + time.Duration(i)*20*time.Microsecond })
	require.Empty(t, Summarise([]Window{w}, Evidence{}).Invalid)
	s := Summarise([]Window{closed(1, 10*ms, 6*sec), w}, Evidence{NeedSteady: true})
	require.Equal(t, RuleSteady, s.Invalid[0].Rule)
	require.Contains(t, s.Invalid[0].Text, "no steady state: throughput")
}

func TestMannKendallIsExact(t *testing.T) {
	// Against the tables of Kendall's distribution: two-sided, no ties.
	require.InDelta(t, 2/720.0, kendallP(6, 15), 1e-12)
	require.InDelta(t, 12/720.0, kendallP(6, -13), 1e-12)
	require.InDelta(t, 40/720.0, kendallP(6, 11), 1e-12)
	require.InDelta(t, 2/24.0, kendallP(4, 6), 1e-12)
	require.InDelta(t, 1, kendallP(6, 0), 1e-12)
	require.Equal(t, 15, kendall([]float64{1, 2, 3, 4, 5, 6}))
	require.Equal(t, -3, kendall([]float64{3, 2, 1, 1}[:3]))
	require.Equal(t, 0, kendall([]float64{1, 1, 1}))
}

func TestNearestRank(t *testing.T) {
	var sorted []time.Duration
	for i := range 20 {
		sorted = append(sorted, time.Duration(i+1))
	}
	check := func(failed, per int, want time.Duration, ok bool) {
		t.Helper()
		got, gotOK := nearestRank(sorted, failed, per)
		require.Equal(t, want, got)
		require.Equal(t, ok, gotOK)
	}
	check(0, 50, 10, true)
	check(0, 95, 19, true) // 0.95 × 20 in floats would round up to 20
	check(0, 100, 20, true)
	check(1, 95, 20, true)
	check(2, 95, 0, false)
	_, ok := nearestRank(nil, 0, 50)
	require.False(t, ok)
}

// The p95 that is published must be the smallest latency that at least 95 % of
// the requests do not exceed, whatever they are.
func FuzzSummarise(f *testing.F) {
	f.Add(uint64(1), 200, 3)
	f.Add(uint64(2), 131, 40)
	f.Fuzz(func(t *testing.T, seed uint64, n, fail int) {
		if n < 0 || n > 2000 || fail < 0 {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 0))
		w := Window{Length: sec, Conns: 3, Open: seed%2 == 0, Rate: "img/s", Items: each(8)}
		for range n {
			rec := good(time.Duration(r.Int64N(int64(sec))), time.Duration(r.Int64N(int64(sec))))
			rec.Intended -= time.Duration(r.Int64N(int64(ms)))
			if r.IntN(100) < fail {
				rec.Outcome = record.Outcomes()[1+r.IntN(7)]
			}
			w.Records = append(w.Records, rec)
		}
		s := Summarise([]Window{w}, Evidence{})
		for _, m := range s.Metrics {
			require.False(t, math.IsNaN(m.Value) || math.IsInf(m.Value, 0) || m.Value <= 0, "%v", m)
		}
		if p95, ok := s.Value("p95-ms"); ok {
			within, below := 0, 0
			for _, d := range s.Latencies {
				if milliseconds(d) <= p95 {
					within++
				}
				if milliseconds(d) < p95 {
					below++
				}
			}
			require.GreaterOrEqual(t, within*100, 95*n)
			require.Less(t, below*100, 95*n)
		}
	})
}
