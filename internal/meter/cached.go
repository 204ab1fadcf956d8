package meter

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Pair is how long the answer to an input took when the input was new, and when
// it came again.
type Pair struct {
	New   time.Duration
	Again time.Duration
}

const (
	cachedUnder = 0.5   // share of the time under which an answer was not computed again
	cachedAlone = 0.2   // of honest answers, those that come in under half the time for another reason
	cachedError = 0.002 // chance of a false alarm then
)

// remembered says, in words, that answers come again faster than they can have
// been computed: so many of the pairs in under half the time as chance does not
// explain. "" when they do not.
func remembered(pairs []Pair) string {
	var ratios []float64
	fast := 0
	for _, p := range pairs {
		if p.New <= 0 {
			continue
		}
		r := float64(p.Again) / float64(p.New)
		ratios = append(ratios, r)
		if r < cachedUnder {
			fast++
		}
	}
	if n := len(ratios); n == 0 || atLeast(fast, n, cachedAlone) > cachedError {
		return ""
	}
	slices.Sort(ratios)
	return fmt.Sprintf("inputs that it had seen were answered in %.0f %% of the time of new ones (median of %d pairs, sent after the window): it remembers answers, and does not say so",
		100*ratios[len(ratios)/2], len(ratios))
}

// Claims is how many tokens answers were said to have, for each that their texts
// have when they are tokenised again; the same of texts that are known to be
// honest. A model may choose other tokens than its tokenizer would for the same
// text, which are never fewer, so that only the two together tell.
type Claims struct {
	Claimed []float64
	Honest  []float64
}

const (
	claimOver   = 0.02 // above honest texts
	claimSigmas = 3.5  // and above chance
)

// over says, in words, that more tokens were claimed than were sent; "" when not.
func (c Claims) over() string {
	if len(c.Claimed) == 0 || len(c.Honest) == 0 {
		return ""
	}
	// The spread is that of honest texts alone: what a server makes up must not
	// widen its own bounds.
	claimed, _ := meanOf(c.Claimed)
	honest, spread := meanOf(c.Honest)
	chance := spread * math.Sqrt(1/float64(len(c.Claimed))+1/float64(len(c.Honest)))
	if claimed <= honest*(1+claimOver)+claimSigmas*chance {
		return ""
	}
	return fmt.Sprintf("it counts %.2f tokens for each that its texts have, where honest texts have %.2f (%d texts)", claimed, honest, len(c.Claimed))
}

// meanOf is a mean, and the standard deviation.
func meanOf(values []float64) (mean, spread float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	if len(values) < 2 {
		return mean, 0
	}
	for _, v := range values {
		spread += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(spread / float64(len(values)-1))
}
