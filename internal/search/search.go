// Package search finds the highest load that still holds a limit, in as few
// measured windows as it takes: it brackets the answer, then bisects.
package search

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Plan says where a search begins and when it ends.
type Plan struct {
	First float64 // the load that is tried first: close to the answer saves windows
	Step  float64 // by which the bracket widens, over 1: 1.25 tries 25 % more
	Close float64 // highest ÷ lowest end of the bracket at which it is narrow enough, over 1: 1.1 is 10 %
	Least float64 // under which nothing is tried
	Most  int     // loads that are tried at most
	Whole bool    // loads are whole numbers, such as users: neighbours are as narrow as it gets
}

// Bracket is what a search found: every load tried up to Holds held the limit,
// and Fails did not. Zero means that none was found.
type Bracket struct {
	Holds float64
	Fails float64
}

// Narrow says whether the answer is known to the factor of the plan.
func (b Bracket) Narrow(p Plan) bool {
	near := b.Fails <= b.Holds*p.Close || p.Whole && b.Fails <= b.Holds+1
	return b.Holds > 0 && b.Fails > 0 && near
}

// Highest searches. It asks holds about one load after the other, and ends
// with its error if it has one. A limit is taken to hold at every load under
// one at which it held: what is measured twice near the answer may differ.
func Highest(ctx context.Context, p Plan, holds func(ctx context.Context, load float64) (bool, error)) (Bracket, error) {
	if !(p.First > 0) || math.IsInf(p.First, 0) || !(p.Step > 1) || !(p.Close > 1) || p.Most < 1 {
		return Bracket{}, errors.New("search: give a first load above zero, a step and an end above one, and at least one try")
	}
	var b Bracket
	for n := range p.Most {
		at := p.next(b, n)
		if at < p.Least || at == b.Fails { // or whole, and there is none under the last
			break
		}
		ok, err := holds(ctx, at)
		if err != nil {
			return b, fmt.Errorf("search at %.3g: %w", at, err)
		}
		if ok {
			b.Holds = at
		} else {
			b.Fails = at
		}
		if b.Narrow(p) {
			break
		}
	}
	return b, nil
}

// next is the load to try: up by the step while all held, down while none did,
// by more each time, since the first may be far from the answer; else the
// middle of the bracket, as ratios go.
func (p Plan) next(b Bracket, tried int) float64 {
	at := p.guess(b, tried)
	if !p.Whole {
		return at
	}
	if b.Holds == 0 {
		return math.Ceil(at) // down to one, not to none
	}
	if at = math.Round(at); b.Fails > 0 {
		at = min(max(at, b.Holds+1), b.Fails-1)
	}
	return at
}

func (p Plan) guess(b Bracket, tried int) float64 {
	switch {
	case tried == 0:
		return p.First
	case b.Fails == 0:
		return b.Holds * math.Pow(p.Step, float64(tried))
	case b.Holds == 0:
		return b.Fails / math.Pow(p.Step, float64(tried))
	}
	return math.Sqrt(b.Holds * b.Fails)
}
