package meter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
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

// TestClaimsOfStreams: the false alarms and misses of what streams tell, of 200
// texts of 16 to 128 tokens.
func TestClaimsOfStreams(t *testing.T) {
	const runs, texts = 200, 200
	one := func(n int) record.Output { return record.Output{Tokens: n, Events: n} }
	counted := func(n int) record.Output { return record.Output{Tokens: n, Events: (n + 3) / 4, Counted: n} }
	claiming := func(of func(int) record.Output, share float64) func(int) record.Output {
		return func(n int) record.Output {
			o := of(n)
			o.Tokens = int(math.Round(float64(n) * share))
			return o
		}
	}
	for _, c := range []struct {
		name        string
		of          func(tokens int) record.Output
		spelt       bool
		least, most float64
	}{
		{"a token an event", one, false, 0, 0},
		{"and one more that ends the text", func(n int) record.Output { return record.Output{Tokens: n + 1, Events: n} }, false, 0, 0},
		{"several an event, counted", counted, false, 0, 0},
		{"several an event, not counted, in the text", func(n int) record.Output { return record.Output{Tokens: n, Events: (n + 3) / 4} }, true, 0, 0},
		{"not a stream", func(n int) record.Output { return record.Output{Tokens: n} }, false, 0, 0},
		{"adds 5 %", claiming(one, 1.05), false, 1, 1},
		{"adds 5 % to its own counts", claiming(counted, 1.05), false, 1, 1},
		{"adds 2.5 %", claiming(one, 1.025), false, 0.99, 1},
		{"one streamed, all claimed", func(n int) record.Output { return record.Output{Tokens: n, Events: 1} }, false, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			said := 0
			for range runs {
				claims := Claims{Spelt: c.spelt}
				if c.spelt {
					claims.Claimed, claims.Honest = []float64{1}, []float64{1}
				}
				for range texts {
					claims.Streams.Add(c.of(16 + rng.IntN(113)))
				}
				if claims.over() != "" {
					said++
				}
			}
			share := float64(said) / runs
			t.Logf("%.1f %%", 100*share)
			require.GreaterOrEqual(t, share, c.least)
			require.LessOrEqual(t, share, c.most)
		})
	}
	bytes := Claims{Claimed: []float64{0.5}, Honest: []float64{1}, Streams: Streams{Texts: 1, Claimed: 64, Held: 32}}
	require.Equal(t, "it counts 64 tokens where the events of its streams carried 32 (1 texts)", bytes.over(), "a byte a token vouches for nothing")
	var p sample
	require.Contains(t, p.invalid(Evidence{Answers: &Answers{OK: true, Claims: bytes}}, Steadiness{}), Reason{RuleTokens, bytes.over()})
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
