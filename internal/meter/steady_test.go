package meter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
	"stackbench/internal/unit"
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
		require.Contains(t, got.Detail, detail, name)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	jitter := func(int) time.Duration { return 10*ms + time.Duration(noise.Int64N(int64(ms/5))) }
	from := func(n int, slow time.Duration) func(int) time.Duration {
		return func(i int) time.Duration {
			if i >= n {
				return slow + jitter(i)
			}
			return jitter(i)
		}
	}
	check("one pace", loop(600, jitter), IsSteady, "")
	check("no scatter at all", loop(600, func(int) time.Duration { return 10 * ms }), IsSteady, "")
	check("many users", closed(16, 160*ms, 6*sec), IsSteady, "")
	check("few requests", loop(11, jitter), TooShort, "fewer than 12 requests a user")
	check("slower by 5 %", loop(600, from(300, ms/2)), IsSteady, "")
	check("slower by 20 % from the middle on", loop(600, from(300, 2*ms)), NotSteady, "response times change by +20 % from its first half to its second")
	check("slower by 20 % from the last third on", loop(600, from(400, 2*ms)), NotSteady, "response times change by +13 % from its first half to its second")
	check("slow only at first", loop(600, func(i int) time.Duration {
		if i < 200 {
			return 30 * ms
		}
		return jitter(i)
	}), NotSteady, "%")
	check("so much scatter that nothing shows", loop(60, func(int) time.Duration { return time.Duration(noise.ExpFloat64() * float64(10*ms)) }),
		TooShort, "would not show in 60 requests")
}

// Users who are answered together are not so many measurements.
func TestLockStepIsNoEvidence(t *testing.T) {
	c := scenario{shape: lockStep, users: 32, service: 270 * ms, spread: 0.4, length: 20 * sec}
	require.Equal(t, TooShort, Judge(c.window(1)).Verdict)
}

func TestSteadyStateOfAnOpenLoop(t *testing.T) {
	require.Equal(t, IsSteady, Judge(open(600, 10*ms, 0, 5*ms)).Verdict)

	grow := func(n int) Window { // a queue that grows all the time
		w := open(n, 10*ms, 0, 5*ms)
		for i := range w.Records {
			w.Records[i].Last += time.Duration(i) * 100 * time.Microsecond
		}
		return w
	}
	got := Judge(grow(1500))
	require.Equal(t, NotSteady, got.Verdict)
	require.Equal(t, "the queue grows: 98 % of the last third took longer than 106 ms, and a quarter of the first third less than 17.4 ms", got.Detail)
	require.Equal(t, NotSteady, Judge(grow(400)).Verdict, "so fast that few requests tell it")
	got = Judge(grow(200))
	require.Equal(t, Steadiness{TooShort, "the queue may be growing, and 200 requests are too few to tell"}, got)
	require.Equal(t, TooShort, Judge(open(29, 10*ms, 0, 5*ms)).Verdict)
}

func TestAServerThatStops(t *testing.T) {
	stop := func(w Window, from, until time.Duration) Steadiness {
		for i := range w.Records {
			if r := &w.Records[i]; r.Last > from && r.Sent < until {
				r.Last, r.Done = until+r.Last-r.Sent, until+r.Last-r.Sent
			}
		}
		return Judge(w)
	}
	for name, w := range map[string]Window{"open": open(600, 10*ms, 0, 5*ms), "seldom": open(30, 200*ms, 0, 5*ms)} {
		got := stop(w, 3*sec, 4*sec)
		require.Equal(t, NotSteady, got.Verdict, name)
		require.Contains(t, got.Detail, "the server stops: no good answer for ", name)
	}
	require.Equal(t, IsSteady, Judge(open(30, 800*ms, 0, 5*ms)).Verdict, "nobody waits, so nobody need be answered")

	w := open(600, 10*ms, 0, 5*ms)
	for i := range 100 {
		w.Records[500+i] = failed(w.Records[500+i].Sent, sec, record.Timeout)
	}
	require.Contains(t, Judge(w).Detail, "the server stops", "failures are no good answers")
}

func TestFailuresThatBunch(t *testing.T) {
	every := func(n, from int) Steadiness {
		w := open(600, 10*ms, 0, 5*ms)
		for i := from; i < 600; i += n {
			w.Records[i] = failed(w.Records[i].Sent, sec, record.Status)
		}
		return Judge(w)
	}
	require.Equal(t, IsSteady, every(10, 0).Verdict, "they fail all the time")
	require.Equal(t, Steadiness{NotSteady, "failures bunch in its last third: 20 of 20"}, every(10, 400))
}

func TestAWindowWithoutASteadyStateIsInvalidOnlyWhereItIsNeeded(t *testing.T) {
	w := loop(600, func(i int) time.Duration { return 10*ms + time.Duration(i)*20*time.Microsecond })
	require.Empty(t, Summarise([]Window{w}, Evidence{}).Invalid)
	s := Summarise([]Window{closed(1, 10*ms, 6*sec), w}, Evidence{NeedSteady: true})
	require.Equal(t, RuleSteady, s.Invalid[0].Rule)
	require.Contains(t, s.Invalid[0].Text, "no steady state: response times change by +")
}

// Few requests are no proof of anything: the window is shown, with the doubt.
func TestAWindowThatIsTooShortToTellIsInDoubt(t *testing.T) {
	s := Summarise([]Window{closed(1, 4*sec, 40*sec)}, Evidence{NeedSteady: true})
	require.Empty(t, s.Invalid)
	require.Equal(t, []Reason{{RuleSteady, "perhaps no steady state: fewer than 12 requests a user"}}, s.Doubts)
	require.Empty(t, Summarise([]Window{closed(1, 4*sec, 40*sec)}, Evidence{}).Doubts)
}

func TestNeededLengthens(t *testing.T) {
	exactly := func(want, got time.Duration) {
		t.Helper()
		require.InDelta(t, want.Seconds(), got.Seconds(), 0.2*want.Seconds())
	}
	exactly(131*105*ms, Needed(closed(1, 100*ms, 4*sec), 0))     // p95
	exactly(25*1050*ms, Needed(closed(8, sec, 12*sec), 0))       // rounds, though 8 users need but 17 for a p95
	exactly(164*100*ms, Needed(open(40, 100*ms, 0, 10*ms), 10))  // no queue
	exactly(1616*100*ms, Needed(open(40, 100*ms, 0, 90*ms), 10)) // one that might grow
	wide := scenario{users: 1, service: 40 * ms, spread: 0.4, length: 4 * sec}
	require.Greater(t, Needed(wide.window(1), 0), 500*40*ms, "what scatters needs more requests")
	require.Zero(t, Needed(Window{Length: sec}, 0))
	require.Zero(t, LongerPilot(closed(1, 100*ms, 4*sec)))
	require.Equal(t, 16*sec, LongerPilot(closed(1, 2*sec, 4*sec)))
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
			for _, d := range s.Raw[unit.Response] {
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
