package quality

import (
	"fmt"
	"math"
)

// Openings checks texts to prompts that nobody knew before, by the greedy ones
// that another stack begins to give. That stack does not say where it was
// unsure, and two right answers go their own ways from a near-tie on; so not all
// of them must begin alike, but so many by their first word, and at so many of
// their tokens, as near-ties explain. What comes after the first token that
// differs is compared with nothing: it is of another text.
type Openings struct {
	maker   string
	ties    ties
	tokens  int // most that a text was compared by
	checked int
	agree   int
	other   int // answers whose first word is another
	seen    int // tokens at which answers could part, those at which they did included
	quoted  []string
}

// ties are the shares of first words and of tokens at which a right text may
// leave another.
type ties struct{ word, token float64 }

// Of the first eight tokens of the golden texts, 1.3 in a hundred are closer than
// NearTie. Where 16-bit floats move a logit by 0.05 to 0.1, as bfloat16's steps
// around 10 are, 1 to 4 in a hundred fall the other way, of the model whose
// choices are closest; and of its first words, up to a quarter.
func tiesOf(precision string) ties {
	if precision == "" {
		return ties{word: 0.02, token: 0.02}
	}
	return ties{word: 0.25, token: 0.10}
}

// NewOpenings checks against texts of a maker, what a stack computes in that
// precision ("" is float32).
func NewOpenings(maker, precision string) *Openings {
	return &Openings{maker: maker, ties: tiesOf(precision)}
}

// Add checks an answer by so many tokens with which another stack's answer to
// the same prompt begins.
func (o *Openings) Add(id, want string, tokens int, got Generated) {
	tokens = max(1, tokens)
	o.checked++
	o.tokens = max(o.tokens, tokens)
	got.Asked = 0 // all of want counts
	same, _ := GoldenText{Text: want}.agree(got, 0)
	if same >= 1 {
		o.agree++
		o.seen += tokens
		return
	}
	o.seen += min(tokens, int(same*float64(tokens))+1)
	if common(want, got.Text) < firstWord(want) {
		o.other++
	}
	if len(o.quoted) < examples {
		o.quoted = append(o.quoted, fmt.Sprintf("%s: it begins %q, not %q", id, head(got.Text), head(want)))
	}
}

// head quotes the beginning of a text.
func head(text string) string { return text[:min(len(text), 48)] }

// allowed is how many of n, each by p, there are at most but for one sample in a
// thousand.
func allowed(n int, p float64) int {
	for k := range n {
		if tail(n, k+1, p) < 1e-3 {
			return k
		}
	}
	return n
}

// tail is the chance of at least k of n, each by p.
func tail(n, k int, p float64) float64 {
	sum := 0.0
	for i := k; i <= n; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// Verdict is on all answers added so far.
func (o *Openings) Verdict() Verdict {
	v := Verdict{Checked: o.checked, Agree: o.agree, Rule: fmt.Sprintf("drawn at random, the first %d tokens of %s", o.tokens, o.maker)}
	parted := o.checked - o.agree
	switch words, all := allowed(o.checked, o.ties.word), allowed(o.seen, o.ties.token); {
	case o.other > words:
		v.Reasons = append(v.Reasons, fmt.Sprintf("%d of %d drawn answers begin otherwise, where near-ties explain %d", o.other, o.checked, words))
	case parted > all:
		v.Reasons = append(v.Reasons, fmt.Sprintf("%d of %d drawn answers leave those of %s within %d tokens, where near-ties explain %d", parted, o.checked, o.maker, o.tokens, all))
	case parted > 0:
		v.Rule += fmt.Sprintf(", but for %d near-ties", parted)
	}
	if len(v.Reasons) > 0 {
		v.Reasons = append(v.Reasons, o.quoted...)
	}
	return v
}
