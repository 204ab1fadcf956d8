package quality

import (
	"fmt"
	"math"
)

// Openings checks texts to prompts that nobody knew before, by the greedy ones
// that another stack begins to give. That stack does not say where it was
// unsure, and two right answers may go their own ways at a near-tie, at once if
// it comes at once; so not all of them must begin alike, but so many that what
// is answered was computed.
type Openings struct {
	maker   string
	unlike  float64 // share of right answers that may begin otherwise
	checked int
	agree   int
	quoted  []string
}

// Shares of right texts whose first word is a near-tie: of float32, 1 to 2 in a
// hundred; of 16-bit floats, up to a quarter.
const (
	unlike   = 0.02
	unlike16 = 0.25
)

// NewOpenings checks against texts of a maker, what a stack computes in that
// precision ("" is float32).
func NewOpenings(maker, precision string) *Openings {
	if precision == "" {
		return &Openings{maker: maker, unlike: unlike}
	}
	return &Openings{maker: maker, unlike: unlike16}
}

// Add checks an answer by how another stack's answer to the same prompt begins.
func (o *Openings) Add(id, want, got string) {
	o.checked++
	same, _ := GoldenText{Text: want}.agree(Generated{Text: got, Exact: true}, 0)
	if same >= 1 || common(want, got) >= firstWord(want) {
		o.agree++
		return
	}
	if len(o.quoted) < examples {
		o.quoted = append(o.quoted, fmt.Sprintf("%s: it begins %q, not %q", id, head(got), head(want)))
	}
}

func head(text string) string { return text[:min(len(text), 24)] }

// allowed is how many of n right answers begin otherwise at most, but for one
// sample in a thousand.
func (o *Openings) allowed(n int) int {
	for k := range n {
		if tail(n, k+1, o.unlike) < 1e-3 {
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
	v := Verdict{Checked: o.checked, Agree: o.agree, Rule: "drawn at random, the first word of " + o.maker}
	if wrong := o.checked - o.agree; wrong > o.allowed(o.checked) {
		v.Reasons = append([]string{fmt.Sprintf("%d of %d drawn answers begin otherwise, where near-ties explain %d", wrong, o.checked, o.allowed(o.checked))}, o.quoted...)
	} else if wrong > 0 {
		v.Rule += fmt.Sprintf(", but for %d near-ties", wrong)
	}
	return v
}
