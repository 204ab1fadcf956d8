package meter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// probed is a probe of a server whose times are lognormal about a median of
// 20 ms, and which has answers of before so many times faster; now and then a
// request is slow for reasons of its own.
func probed(rng *rand.Rand, pairs int, spread, faster, slow float64) []Pair {
	took := func(speed float64) time.Duration {
		t := 20 * math.Exp(spread*rng.NormFloat64()) / speed
		if rng.Float64() < slow {
			t *= 5
		}
		return time.Duration(t * float64(time.Millisecond))
	}
	var out []Pair
	for range pairs {
		out = append(out, Pair{New: took(1), Again: took(faster)})
	}
	return out
}

// TestACacheIsToldFromHonestServers: the false alarms and misses of the probe.
func TestACacheIsToldFromHonestServers(t *testing.T) {
	const runs = 2000
	for _, c := range []struct {
		name                 string
		pairs                int
		spread, faster, slow float64
		least, most          float64 // share of the runs in which it says that there is a cache
	}{
		{"honest, even", 12, 0.02, 1, 0, 0, 0},
		{"honest, usual", 12, 0.2, 1, 0.05, 0, 0.002},
		{"honest, wild", 12, 0.4, 1, 0.05, 0, 0.002},
		{"honest, slow texts", 4, 0.2, 1, 0.05, 0, 0.002},
		{"honest, few and wild", 4, 0.4, 1, 0.05, 0, 0.005},
		{"honest, warm the second time", 12, 0.2, 1.3, 0.05, 0, 0.005},
		{"cache, 10 times", 12, 0.2, 10, 0.05, 0.999, 1},
		{"cache, 10 times, wild", 12, 0.4, 10, 0.05, 0.99, 1},
		{"cache, 3 times", 12, 0.2, 3, 0.05, 0.95, 1},
		{"cache, 3 times, wild", 12, 0.4, 3, 0.05, 0.6, 1},
		{"cache of slow texts", 4, 0.05, 10, 0, 0.999, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(c.pairs)))
			said := 0
			for range runs {
				if remembered(probed(rng, c.pairs, c.spread, c.faster, c.slow)) != "" {
					said++
				}
			}
			share := float64(said) / runs
			t.Logf("%.2f %%", 100*share)
			require.GreaterOrEqual(t, share, c.least)
			require.LessOrEqual(t, share, c.most)
		})
	}
	require.Empty(t, remembered(nil))
	require.Empty(t, remembered([]Pair{{}}))
	require.Contains(t, remembered(probed(rand.New(rand.NewPCG(1, 1)), 12, 0, 10, 0)), "in 10 % of the time of new ones (median of 12 pairs")
}

// TestClaimsOfTokens: the same text may be spelt in more tokens than its
// tokenizer would take, in some texts more than in others; what is claimed
// beyond that is found.
func TestClaimsOfTokens(t *testing.T) {
	const runs = 1000
	for _, c := range []struct {
		name        string
		spelling    float64 // tokens for each that the tokenizer would take, mean
		spread      float64
		over        float64 // what a server adds
		least, most float64
	}{
		{"honest, as its tokenizer", 1, 0, 1, 0, 0},
		{"honest, other spellings", 1.05, 0.02, 1, 0, 0.002},
		{"honest, wild spellings", 1.3, 0.1, 1, 0, 0.002},
		{"adds 5 %", 1, 0.005, 1.05, 0.99, 1},
		{"adds a tenth", 1.05, 0.02, 1.10, 0.99, 1},
		{"doubles", 1.3, 0.1, 2, 1, 1},
		{"one streamed, all claimed", 1, 0, 128, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			said := 0
			for range runs {
				var claims Claims
				for range 20 {
					claims.Honest = append(claims.Honest, c.spelling+c.spread*rng.NormFloat64())
					claims.Claimed = append(claims.Claimed, c.over*(c.spelling+c.spread*rng.NormFloat64()))
				}
				if claims.over() != "" {
					said++
				}
			}
			share := float64(said) / runs
			t.Logf("%.2f %%", 100*share)
			require.GreaterOrEqual(t, share, c.least)
			require.LessOrEqual(t, share, c.most)
		})
	}
	require.NotEmpty(t, Claims{Claimed: []float64{2, 128}, Honest: []float64{1}}.over(), "whose claims differ does not widen the bounds")
	require.Empty(t, Claims{}.over())
	require.Empty(t, Claims{Claimed: []float64{9}}.over(), "nothing to hold it against")
}

func TestAnswersThatWereNotComputedAreInvalid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	e := Evidence{Answers: &Answers{OK: true, Error: 0.01, Pairs: probed(rng, 12, 0, 10, 0), Claims: Claims{Claimed: []float64{128}, Honest: []float64{1}}}}
	var p sample
	var rules []Rule
	for _, why := range p.invalid(e, Steadiness{}) {
		rules = append(rules, why.Rule)
	}
	require.Equal(t, []Rule{RuleTokens, RuleCached, RuleFailed}, rules)
	e.MayShare = true
	require.NotContains(t, p.invalid(e, Steadiness{}), RuleCached)
	var l ledger
	e.service(&l, p)
	require.Contains(t, l.metrics, Metric{"answer-err", 0.01})
}
