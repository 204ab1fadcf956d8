package wer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recogniser hears each word wrongly, not at all, or twice, each with a third of
// a probability, and each text only as far as a share of it.
type recogniser struct {
	wrong float64
	whole float64
}

func (r recogniser) hear(rng *rand.Rand, words []string) string {
	var out []string
	for _, w := range words[:int(r.whole*float64(len(words))+0.5)] {
		if rng.Float64() >= r.wrong {
			out = append(out, w)
			continue
		}
		switch rng.IntN(3) {
		case 0:
			out = append(out, "zebra")
		case 1:
			out = append(out, w, "zebra")
		}
	}
	return strings.Join(out, " ")
}

// refused is the share of windows of so many texts that Reason refuses.
func refused(t *testing.T, r recogniser, texts int, limit float64) float64 {
	t.Helper()
	const windows = 400
	e, rng := NewEnglish(), rand.New(rand.NewPCG(14, uint64(texts)))
	words := e.Words(dashwood)
	n := 0
	for range windows {
		c := NewCorpus(e)
		for range texts {
			got := Align(words, strings.Fields(r.hear(rng, words))) // in normal form already
			c.result.Counts = c.result.add(got)
			c.result.Texts++
		}
		if c.Result().Reason(limit) != "" {
			n++
		}
	}
	return float64(n) / windows
}

// How often the rule is mistaken at a limit of 10 % about a recogniser such as
// Whisper tiny.en, which hears one word of 23 wrongly.
func TestReasonSimulated(t *testing.T) {
	honest := recogniser{wrong: 0.0423, whole: 1}
	for _, c := range []struct {
		name        string
		r           recogniser
		texts       int
		least, most float64
	}{
		{"honest, 72 words", honest, 4, 0, 0.04},
		{"honest, 360 words", honest, 20, 0, 0},
		{"honest, 1800 words", honest, 100, 0, 0},
		{"three times as many errors, 72 words", recogniser{0.127, 1}, 4, 0.6, 0.9},
		{"three times as many errors, 1800 words", recogniser{0.127, 1}, 100, 0.98, 1},
		{"stops after nine tenths, 72 words", recogniser{0.0423, 0.9}, 4, 0.7, 1},
		{"stops after nine tenths, 1800 words", recogniser{0.0423, 0.9}, 100, 1, 1},
		{"stops after three quarters, 72 words", recogniser{0.0423, 0.75}, 4, 1, 1},
	} {
		got := refused(t, c.r, c.texts, 10)
		t.Logf("%s: %.1f %% refused", c.name, 100*got)
		require.GreaterOrEqual(t, got, c.least, c.name)
		require.LessOrEqual(t, got, c.most, c.name)
	}
}
