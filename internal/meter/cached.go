package meter

import (
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/record"
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
	Spelt   bool // the texts were tokenised; else a byte counts as a token, which no text falls under
	Streams Streams
}

// Streams are the tokens of answers that came as streams, added up.
type Streams struct {
	Texts   int
	Claimed int // said at the end
	Held    int // carried by events, as these count them; an event that does not count carries one
}

// Add takes in a good answer.
func (s *Streams) Add(o record.Output) {
	if o.Tokens == 0 || o.Events == 0 {
		return
	}
	s.Texts++
	s.Claimed += o.Tokens
	if o.Counted > 0 {
		s.Held += o.Counted
	} else {
		s.Held += o.Events
	}
}

// over says, in words, that more tokens were claimed than the streams carried.
// One a text may have come without an event: the one that ends it.
func (s Streams) over() string {
	if float64(s.Claimed) <= math.Max(float64(s.Held)*(1+claimOver), float64(s.Held+s.Texts)) {
		return ""
	}
	return fmt.Sprintf("it counts %d tokens where the events of its streams carried %d (%d texts)", s.Claimed, s.Held, s.Texts)
}

const (
	claimOver   = 0.02 // above honest texts
	claimSigmas = 3.5  // and above chance
)

// over says, in words, that more tokens were claimed than were sent; "" when not.
// An event may carry several tokens without saying so: texts that have them all
// vouch for them.
func (c Claims) over() string {
	known := len(c.Claimed) > 0 && len(c.Honest) > 0
	if known {
		if why := c.unlike(); why != "" {
			return why
		}
	}
	if known && c.Spelt {
		return ""
	}
	return c.Streams.over()
}

// unlike says, in words, that texts have fewer tokens than were claimed.
func (c Claims) unlike() string {
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
