package search_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/search"
)

// rates are what a search did on many virtual servers whose answer is known.
type rates struct {
	known, covered, probes int
	width                  float64 // highest ÷ lowest end, mean over what is known
}

// many searches that often; truth is the load that the interval should hold.
func many(t *testing.T, times int, plan search.Plan, truth float64, probe func(load float64) search.Answer) rates {
	t.Helper()
	var out rates
	for range times {
		found, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (search.Answer, error) {
			out.probes++
			return probe(load), nil
		})
		require.NoError(t, err)
		if !found.Known(plan) {
			continue
		}
		out.known++
		out.width += found.Fails / found.Holds
		if found.Holds <= truth && truth < found.Fails {
			out.covered++
		}
	}
	out.width /= float64(max(out.known, 1))
	t.Logf("%d searches: %d known, %d of them hold the truth, width ×%.2f, %.1f probes each",
		times, out.known, out.covered, out.width, float64(out.probes)/float64(times))
	return out
}

// queue is a virtual server that answers one request after the other, each in
// an exponentially distributed time, to arrivals of an open loop. The time in it
// is then exponentially distributed too, with the mean 1 ÷ (service − rate): its
// p99 is known exactly.
type queue struct {
	service float64 // requests a second
	rng     *rand.Rand
}

// within takes so many requests after a warm-up and says how many were answered
// within the limit.
func (q queue) within(rate, limit float64, warm, n int) search.Share {
	share, backlog := search.Share{All: n}, 0.0
	times := make([]float64, 0, n)
	for i := range warm + n {
		backlog = max(0, backlog-q.rng.ExpFloat64()/rate) + q.rng.ExpFloat64()/q.service
		if i < warm {
			continue
		}
		times = append(times, math.Log(backlog))
		if backlog <= limit {
			share.Within++
		}
	}
	share.Effective = search.Effective(times)
	return share
}

// TestKneeOfAQueue measures how often a search for a knee tells it, and how
// often its interval holds the truth.
func TestKneeOfAQueue(t *testing.T) {
	const service, limit = 100.0, 0.2
	knee := service - math.Log(100)/limit // 77
	for name, c := range map[string]struct {
		rule  search.Rule
		times int
	}{
		"quick":    {search.Rule{Target: 0.99, Z: 1.64, Most: 20000, Longest: 45 * time.Second}, 150},
		"standard": {search.Rule{Target: 0.99, Z: 2.24, Most: 20000, Longest: 5 * time.Minute}, 60},
	} {
		t.Run(name, func(t *testing.T) {
			q := queue{service, rand.New(rand.NewPCG(1, 2))}
			plan := search.Plan{First: 0.7 * service, Step: 1.25, Close: 1.1, Least: 17, Most: 10}
			got := many(t, c.times, plan, knee, func(rate float64) search.Answer { return asked(q, c.rule, rate, limit) })
			require.GreaterOrEqual(t, float64(got.known), 0.9*float64(c.times))
			require.GreaterOrEqual(t, float64(got.covered), 0.85*float64(got.known))
			require.Less(t, got.width, 1.4)
			require.Less(t, got.probes, c.times*8)
		})
	}
}

// asked takes a probe as a benchmark does: window after window until its rule is content.
func asked(q queue, rule search.Rule, rate, limit float64) search.Answer {
	share := q.within(rate, limit, 100, rule.First())
	for {
		spent := time.Duration(float64(share.All) / rate * float64(time.Second))
		more := rule.More(share, spent)
		if more == 0 {
			return rule.Decide(share)
		}
		more = min(more, max(1, int((rule.Longest-spent).Seconds()*rate)))
		share = share.Add(q.within(rate, limit, 100, more))
	}
}

// crowd is a virtual server whose time a token grows with its users, by the same
// for all and by chance for each answer, so that the share within a limit is known.
func crowd(users float64) float64 {
	const limit, alone, each, spread = 100.0, 20.0, 1.3, 0.15
	return 0.5 * math.Erfc(-(math.Log(limit)-math.Log(alone+each*users))/spread/math.Sqrt2)
}

func TestUsersOfACrowd(t *testing.T) {
	most := 1.0
	for crowd(most+1) >= 0.95 {
		most++
	}
	require.InDelta(t, 44, most, 2)
	for name, rule := range map[string]search.Rule{
		"quick":    {Target: 0.95, Z: 1.64, Least: 20, Most: 320, Longest: 2 * time.Minute},
		"standard": {Target: 0.95, Z: 1.96, Least: 20, Most: 640, Longest: 8 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			plan := search.Plan{First: 4, Step: 2, Close: 1.1, Least: 1, Top: 4096, Most: 12, Whole: true}
			got := many(t, 300, plan, most, func(users float64) search.Answer {
				var share search.Share
				for n := rule.First(); n > 0; n = rule.More(share, 0) {
					share.All += n
					for range n {
						if rng.Float64() < crowd(users) {
							share.Within++
						}
					}
				}
				return rule.Decide(share)
			})
			require.GreaterOrEqual(t, got.known, 270)
			require.GreaterOrEqual(t, float64(got.covered), 0.85*float64(got.known))
			require.Less(t, got.width, 1.4)
		})
	}
}

// TestOneSlowUserIsDecided: texts of four seconds, all within the limits, come to
// one user a hundred times in the longest probe, and that is enough.
func TestOneSlowUserIsDecided(t *testing.T) {
	rule := search.Rule{Target: 0.95, Z: 1.96, Least: 20, Most: 640, Longest: 8 * time.Minute}
	rng := rand.New(rand.NewPCG(5, 6))
	held := 0
	for range 200 {
		var share search.Share
		for {
			spent := time.Duration(share.All) * 4 * time.Second
			n := rule.First()
			if share.All > 0 {
				n = min(rule.More(share, spent), int((rule.Longest-spent)/(4*time.Second)))
			}
			if n <= 0 {
				break
			}
			var times []float64
			for range n {
				times = append(times, 4+0.2*rng.NormFloat64())
			}
			share = share.Add(search.Share{Within: n, All: n, Effective: search.Effective(times)})
		}
		if rule.Decide(share) == search.Holds {
			held++
		}
	}
	require.GreaterOrEqual(t, held, 180)
}

func TestClumpsAreWorthLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var alone, clumped []float64
	last := 0.0
	for range 4000 {
		alone = append(alone, rng.NormFloat64())
		last = 0.9*last + rng.NormFloat64()
		clumped = append(clumped, last)
	}
	require.InDelta(t, 4000, search.Effective(alone), 800)
	require.InEpsilon(t, 4000*0.1/1.9, search.Effective(clumped), 0.4, "(1 − φ) ÷ (1 + φ) of them")
	require.InDelta(t, 50, search.Effective(make([]float64, 50)), 0)
}

func TestWilson(t *testing.T) {
	low, high := search.Share{Within: 20, All: 20}.Interval(1.96) // by R: prop.test(20, 20, correct = FALSE)
	require.InDelta(t, 0.8389, low, 1e-4)
	require.InDelta(t, 1, high, 1e-9)
	low, high = search.Share{Within: 15, All: 50}.Interval(1.96)
	require.InDelta(t, 0.1910, low, 1e-4)
	require.InDelta(t, 0.4375, high, 1e-4)
	low, high = search.Share{}.Interval(1.96)
	require.Equal(t, [2]float64{0, 1}, [2]float64{low, high})
}
