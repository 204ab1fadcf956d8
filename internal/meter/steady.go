package meter

import (
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/record"
)

// Steadiness is the verdict on the course of a window.
type Steadiness struct {
	Verdict Steady
	Detail  string // why it is not steady; "" when it is
}

// Steady names a verdict.
type Steady string

const (
	IsSteady  Steady = "steady"
	NotSteady Steady = "none"      // the last parts disagree, or there is a trend
	TooShort  Steady = "too short" // too few requests to tell
)

const (
	parts     = 6    // sub-windows: 5 are the fewest in which Mann-Kendall can find a trend at 5 %
	partNeeds = 20   // requests a sub-window, so that its p95 is not its slowest
	lastParts = 3    // that must agree
	agreement = 1.10 // largest over smallest
	trendP    = 0.05
)

// course is a window cut into sub-windows of equal counts of requests, by
// issue time. Equal counts rather than equal times, because a rate from a
// whole number of requests in a fixed time jumps by one request at its edges.
type course struct {
	throughput []float64 // good answers a second; of an open loop, good answers ÷ issued
	p95        []float64 // milliseconds, +∞ on a failure
}

// Judge says whether the window was in a steady state: its last three
// sub-windows agree within 1.10 on throughput and p95, and neither has a trend
// over the sub-windows (Mann-Kendall, two-sided, 5 %).
func Judge(w Window) Steadiness {
	if len(w.Records) < parts*partNeeds {
		return Steadiness{TooShort, fmt.Sprintf("fewer than %d requests", parts*partNeeds)}
	}
	c := split(w)
	series := []struct {
		name   string
		values []float64
	}{{"throughput", c.throughput}, {"p95", c.p95}}
	for _, s := range series {
		if why := unsteady(s.values); why != "" {
			return Steadiness{NotSteady, s.name + " " + why}
		}
	}
	return Steadiness{Verdict: IsSteady}
}

// unsteady says what is wrong with the course of a series; "" when nothing is.
func unsteady(values []float64) string {
	last := values[len(values)-lastParts:]
	low, high := slices.Min(last), slices.Max(last)
	switch {
	case !finite(high):
		return "falls on failed requests"
	case low <= 0:
		return "stops"
	case high > agreement*low:
		return fmt.Sprintf("of the last %d of %d sub-windows differs by %.0f %%, over 10 %%", lastParts, parts, 100*(high/low-1))
	}
	if s := kendall(values); kendallP(len(values), s) < trendP {
		if s > 0 {
			return fmt.Sprintf("rises over the %d sub-windows", parts)
		}
		return fmt.Sprintf("falls over the %d sub-windows", parts)
	}
	return ""
}

func split(w Window) course {
	records := byIssue(w.Records)
	next := nextIssue(w)
	var c course
	for i := range parts {
		from, to := i*len(records)/parts, (i+1)*len(records)/parts
		until := next
		if to < len(records) {
			until = issued(records[to])
		}
		part := records[from:to]
		c.throughput = append(c.throughput, throughput(part, until-issued(part[0]), w.Open))
		c.p95 = append(c.p95, p95(part, w.Open))
	}
	return c
}

// nextIssue is when the first request after the window would have been sent:
// in a closed loop, at the first answer after the closing.
func nextIssue(w Window) time.Duration {
	next := time.Duration(math.MaxInt64)
	for _, r := range w.Records {
		if r.Done >= w.Length {
			next = min(next, end(r, w.Length))
		}
	}
	if w.Open || next == math.MaxInt64 {
		return w.Length
	}
	return next
}

func issued(r record.Record) time.Duration {
	if r.Outcome == record.Dropped {
		return r.Intended
	}
	return r.Sent
}

// throughput of a part. The schedule of an open loop sets its rate, with
// Poisson arrivals a jumpy one, so there the share of good answers is judged.
func throughput(part []record.Record, took time.Duration, open bool) float64 {
	good := 0
	for _, r := range part {
		if r.Outcome == record.Good {
			good++
		}
	}
	if open {
		return float64(good) / float64(len(part))
	}
	return float64(good) / max(took, 1).Seconds()
}

func p95(part []record.Record, open bool) float64 {
	var good []time.Duration
	for _, r := range part {
		if r.Outcome == record.Good {
			good = append(good, latency(r, open))
		}
	}
	slices.Sort(good)
	d, ok := nearestRank(good, len(part)-len(good), 95)
	if !ok {
		return math.Inf(1)
	}
	return milliseconds(d)
}

// kendall is Mann and Kendall's S: pairs that rise less pairs that fall.
func kendall(values []float64) int {
	s := 0
	for i, a := range values {
		for _, b := range values[i+1:] {
			switch {
			case b > a:
				s++
			case b < a:
				s--
			}
		}
	}
	return s
}

// kendallP is the exact two-sided probability of an S at least this far from
// zero in n values without order. Ties make it too large, never too small.
func kendallP(n, s int) float64 {
	// ways[k]: permutations of n values with k inversions (Mahonian numbers);
	// S = n(n−1)/2 − 2k.
	ways := []float64{1}
	total := 1.0
	for size := 2; size <= n; size++ {
		next := make([]float64, len(ways)+size-1)
		for k, w := range ways {
			for add := range size {
				next[k+add] += w
			}
		}
		ways = next
		total *= float64(size)
	}
	far := 0.0
	for k, w := range ways {
		if abs(len(ways)-1-2*k) >= abs(s) {
			far += w
		}
	}
	return far / total
}

func abs(i int) int {
	return max(i, -i)
}

// worst is the verdict of a sample of windows: that of the least steady one.
func worst(windows []Window) Steadiness {
	if len(windows) == 0 {
		return Steadiness{TooShort, "no window"}
	}
	rank := map[Steady]int{IsSteady: 0, TooShort: 1, NotSteady: 2}
	var found []Steadiness
	for _, w := range windows {
		found = append(found, Judge(w))
	}
	return slices.MaxFunc(found, func(a, b Steadiness) int { return rank[a.Verdict] - rank[b.Verdict] })
}
