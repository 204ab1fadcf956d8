package search

import (
	"math"
	"time"
)

// Answer is what a probe says of whether a limit holds at a load.
type Answer int

const (
	Fails    Answer = iota // it does not, beyond doubt
	Unlikely               // left open, with more against it than for it
	Likely                 // left open, with more for it than against it
	Holds                  // it does, beyond doubt
)

// Open says that the probe did not decide.
func (a Answer) Open() bool { return a == Unlikely || a == Likely }

// Share is how many of a probe's requests came within a limit.
type Share struct {
	Within    int
	All       int
	Effective float64 // how many independent requests they are worth; 0: all
}

// Value is the share; 0 of none.
func (s Share) Value() float64 {
	if s.All == 0 {
		return 0
	}
	return float64(s.Within) / float64(s.All)
}

// Add joins two windows of one probe.
func (s Share) Add(o Share) Share {
	return Share{s.Within + o.Within, s.All + o.All, s.worth() + o.worth()}
}

func (s Share) worth() float64 {
	if s.Effective > 0 {
		return s.Effective
	}
	return float64(s.All)
}

// Interval is Wilson's for the true share, z standard errors to each side.
func (s Share) Interval(z float64) (low, high float64) {
	if s.All == 0 {
		return 0, 1
	}
	n, p := s.worth(), s.Value()
	centre := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, (centre-half)/(1+z*z/n)), min(1, (centre+half)/(1+z*z/n))
}

// Rule says when a probe is decided, and how much it may take: a limit holds
// when at least the target's share of the requests come within it.
type Rule struct {
	Target  float64
	Z       float64       // standard errors of the interval that must exclude the target
	Least   int           // requests under which nothing holds
	Most    int           // requests after which the question stays open
	Longest time.Duration // or the time after which it does
}

// Decide says what a share says of the limit.
func (r Rule) Decide(s Share) Answer {
	low, high := s.Interval(r.Z)
	switch {
	case high < r.Target:
		return Fails
	case low > r.Target && s.All >= r.Least:
		return Holds
	case s.Value() < r.Target:
		return Unlikely
	}
	return Likely
}

// More is how many requests a probe should take on top of those that it has; 0
// when it is decided, or has had its due.
func (r Rule) More(s Share, spent time.Duration) int {
	if !r.Decide(s).Open() || s.All >= r.Most || spent >= r.Longest {
		return 0
	}
	need := 2 * float64(s.All)
	if s.All > 0 {
		need = max(need, float64(r.First())*float64(s.All)/s.worth())
	}
	return max(min(int(need), r.Most), min(r.First(), r.Most)) - s.All
}

// First is the fewest independent requests that can decide that the limit holds:
// all of them within it.
func (r Rule) First() int {
	return max(r.Least, int(r.Z*r.Z*r.Target/(1-r.Target))+1)
}
