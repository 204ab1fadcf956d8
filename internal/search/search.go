// Package search finds the highest load that still holds a limit, in as few
// measured windows as it takes: it brackets the answer, then bisects. A window
// may leave the question open; what is found is then an interval.
package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	longestStep = 4 // a bracket widens by no more at once: a server for 46 users is not tried with 256
	mostOpen    = 3 // undecided loads after which more of them would say nothing new
	loosest     = 2 // highest ÷ lowest end of a bracket that is still an answer
	loosestDiff = 2 // or that many whole numbers
)

// Plan says where a search begins and when it ends.
type Plan struct {
	First float64 // the load that is tried first: close to the answer saves windows
	Step  float64 // by which the bracket widens, over 1: 1.25 tries 25 % more
	Close float64 // highest ÷ lowest end of the bracket at which it is narrow enough, over 1: 1.1 is 10 %
	Least float64 // under which nothing is tried
	Top   float64 // over which nothing is tried; 0: no bound
	Most  int     // loads that are tried at most
	Whole bool    // loads are whole numbers, such as users: neighbours are as narrow as it gets
}

// Bracket is what a search found: every load tried up to Holds held the limit,
// and Fails did not; between them lie only loads that were left open. Zero means
// that none was found.
type Bracket struct {
	Holds  float64
	Likely float64 // highest load that held, or was left open with more for it than against it
	Fails  float64
}

// Narrow says whether the answer is known to the factor of the plan.
func (b Bracket) Narrow(p Plan) bool {
	return b.Holds > 0 && b.Fails > 0 && p.near(b.Holds, b.Fails)
}

// Known says whether the bracket is an answer, if with an interval: both ends
// were found, and they are within a factor of two, or two whole numbers.
func (b Bracket) Known(p Plan) bool {
	return b.Holds > 0 && b.Fails > 0 && (b.Fails <= loosest*b.Holds || p.Whole && b.Fails <= b.Holds+loosestDiff)
}

func (p Plan) near(low, high float64) bool {
	return high <= low*p.Close || p.Whole && high <= low+1
}

// Highest searches. It asks probe about one load after the other, and ends
// with its error if it has one. A limit is taken to hold at every load under
// one at which it held: what is measured twice near the answer may differ.
func Highest(ctx context.Context, p Plan, probe func(ctx context.Context, load float64) (Answer, error)) (Bracket, error) {
	if !(p.First > 0) || math.IsInf(p.First, 0) || !(p.Step > 1) || !(p.Close > 1) || p.Most < 1 {
		return Bracket{}, errors.New("search: give a first load above zero, a step and an end above one, and at least one try")
	}
	s := state{plan: p}
	for range p.Most {
		at, ok := s.next()
		if !ok {
			break
		}
		answer, err := probe(ctx, at)
		if err != nil {
			return s.found, fmt.Errorf("search at %.3g: %w", at, err)
		}
		s.add(at, answer)
	}
	return s.found, nil
}

// state is a search under way.
type state struct {
	plan  Plan
	found Bracket
	open  []float64 // undecided loads within the bracket, ascending
	tried int
}

func (s *state) add(at float64, a Answer) {
	s.tried++
	switch a {
	case Holds:
		s.found.Holds = at
	case Fails:
		s.found.Fails = at
	default:
		s.open = append(s.open, at)
	}
	if a >= Likely {
		s.found.Likely = max(s.found.Likely, at)
	}
	outside := func(load float64) bool {
		return load <= s.found.Holds || s.found.Fails > 0 && load >= s.found.Fails
	}
	s.open = slices.DeleteFunc(s.open, outside)
	slices.Sort(s.open)
	if s.found.Fails > 0 && s.found.Likely >= s.found.Fails { // an open load that a lower one has shown to fail
		s.found.Likely = s.found.Holds
	}
}

// next is the load to try: up while none has failed for sure, down while none
// has held for sure, by more each time, since the first may be far from the
// answer; else the middle of what is open, as ratios go. false: there is none.
func (s *state) next() (float64, bool) {
	p, b := s.plan, s.found
	low, high := b.Holds, b.Fails // ends of the gap above what is open
	if n := len(s.open); n > 0 {
		low = s.open[n-1]
	}
	step := min(math.Pow(p.Step, float64(s.tried)), longestStep)
	switch {
	case s.tried == 0:
		return p.whole(p.First), true
	case b.Fails == 0:
		if p.Top > 0 && low >= p.Top {
			return 0, false
		}
		return p.bounded(p.whole(low * step)), true
	case b.Holds == 0:
		if len(s.open) > 0 {
			high = s.open[0]
		}
		at := high / step
		if p.Whole {
			at = math.Ceil(at) // down to one, not to none
		}
		return at, at >= p.Least && at < high
	case b.Narrow(p), len(s.open) >= mostOpen:
		return 0, false
	}
	if len(s.open) > 0 && (p.near(low, high) || s.open[0]/b.Holds > high/low) {
		low, high = b.Holds, s.open[0]
	}
	if p.near(low, high) {
		return 0, false
	}
	at := p.whole(math.Sqrt(low * high))
	if p.Whole {
		at = min(max(at, low+1), high-1)
	}
	return at, true
}

func (p Plan) whole(at float64) float64 {
	if p.Whole {
		return math.Round(at)
	}
	return at
}

func (p Plan) bounded(at float64) float64 {
	if p.Top > 0 {
		return min(at, p.Top)
	}
	return at
}
