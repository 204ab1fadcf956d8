package quality

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// opened are twenty texts of eight tokens by a stack that parts from the right
// one with that chance at each token, and computes only so many of a text, or
// only a share of the texts.
type opened struct {
	part     float64
	computes int
	share    float64
}

func (o opened) sample(rng *rand.Rand, precision string) Verdict {
	const texts, tokens = 20, 8
	all := NewOpenings("another", precision)
	for i := range texts {
		var want, got []string
		honest, apart := rng.Float64() < o.share, false
		for k := range tokens {
			want = append(want, fmt.Sprintf(" w%d", rng.IntN(1000)))
			apart = apart || rng.Float64() < o.part || k >= o.computes || !honest
			if apart {
				got = append(got, fmt.Sprintf(" x%d", k))
			} else {
				got = append(got, want[k])
			}
		}
		got = append(got, " and more of it")
		all.Add(fmt.Sprintf("made-%d", i), strings.Join(want, ""), tokens, Generated{Text: strings.Join(got, ""), Exact: true})
	}
	return all.Verdict()
}

// TestOpenings: the false alarms and misses, of a thousand leaves each.
func TestOpenings(t *testing.T) {
	const runs = 1000
	for _, c := range []struct {
		name        string
		precision   string
		of          opened
		least, most float64 // share of the runs that are refused
	}{
		{"honest", "", opened{0.002, 8, 1}, 0, 0},
		{"honest, as near-ties allow", "", opened{0.02, 8, 1}, 0, 0.003},
		{"honest, bf16", "bf16", opened{0.04, 8, 1}, 0, 0},
		{"honest, bf16, as near-ties allow", "bf16", opened{0.1, 8, 1}, 0, 0.003},
		{"all made up", "", opened{0, 0, 1}, 1, 1},
		{"the first word is computed", "", opened{0, 1, 1}, 1, 1},
		{"half is computed", "", opened{0.01, 4, 1}, 1, 1},
		{"all but the last is computed", "", opened{0.01, 7, 1}, 1, 1},
		{"half the texts are computed", "", opened{0.01, 8, 0.5}, 0.99, 1},
		{"a third of the texts is made up", "", opened{0.01, 8, 0.67}, 0.8, 1},
		{"all made up, bf16", "bf16", opened{0, 0, 1}, 1, 1},
		{"the first word is computed, bf16", "bf16", opened{0.02, 1, 1}, 1, 1},
		{"three tokens are computed, bf16", "bf16", opened{0.02, 3, 1}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			refused := 0
			for range runs {
				if !c.of.sample(rng, c.precision).OK() {
					refused++
				}
			}
			share := float64(refused) / runs
			t.Logf("%.1f %% refused", 100*share)
			require.GreaterOrEqual(t, share, c.least)
			require.LessOrEqual(t, share, c.most)
		})
	}
}

func TestOpeningsInWords(t *testing.T) {
	o := NewOpenings("another", "")
	exact := func(text string) Generated { return Generated{Text: text, Exact: true, Asked: 20} }
	o.Add("a", " the right words", 3, exact(" the right words and others"))
	o.Add("b", " the right words", 3, Generated{Text: " the right"}) // it was free to end
	require.Equal(t, "2 of 2 agree (drawn at random, the first 3 tokens of another)", o.Verdict().String())
	o.Add("c", " the right words", 3, exact(" the left words"))
	require.Equal(t, "2 of 3 agree (drawn at random, the first 3 tokens of another, but for 1 near-ties)", o.Verdict().String())
	require.True(t, o.Verdict().OK())
	for range 2 {
		o.Add("d", " the right words", 3, exact(" the"))
	}
	require.Equal(t, []string{
		"3 of 5 drawn answers leave those of another within 3 tokens, where near-ties explain 2",
		`c: it begins " the left words", not " the right words"`, `d: it begins " the", not " the right words"`, `d: it begins " the", not " the right words"`,
	}, o.Verdict().Reasons)
}
