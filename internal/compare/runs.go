package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// Verdict is what can be said of a metric in a new run against an old one.
type Verdict string

const (
	Better      Verdict = "better"
	Worse       Verdict = "worse"
	Same        Verdict = "same" // no difference that is both significant and large enough
	CannotJudge Verdict = "cannot judge"
)

const (
	alpha            = 0.05
	defaultThreshold = 0.05 // relative change, for units whose line states none
)

// Line compares one metric of one benchmark.
type Line struct {
	Name     string
	Unit     unit.Name
	Old, New Sample
	Ratio    float64 // new median ÷ old median; 0 when there is none
	P        float64 // Mann-Whitney, two-sided
	Adjusted float64 // P after Holm's correction over all lines that have one
	Verdict  Verdict
	Why      string // "" when the verdict speaks for itself
}

// Sample is one side of a line.
type Sample struct {
	N      int
	Median float64
}

// Report compares two runs.
type Report struct {
	Lines []Line
	Notes []string // what a reader must know before believing the lines
}

// Options choose what is compared.
type Options struct {
	Units []unit.Name // only these; empty means every unit that has a direction, less those that restate another
}

// Runs compares every metric of two runs. They differ on one when the p-value
// of Mann and Whitney, corrected by Holm over all lines, is under 0.05 and the
// medians differ by more than the unit's threshold (5 % unless its line states
// another); which of them is better is the unit's direction.
func Runs(old, fresh *results.Bench, o Options) *Report {
	r := &Report{Notes: differences(old, fresh)}
	for _, name := range union(old.Names, fresh.Names) {
		for _, u := range union(old.Units, fresh.Units) {
			key := results.Series{Name: name, Unit: u}
			a, b := old.Samples[key], fresh.Samples[key]
			if len(a)+len(b) > 0 && chosen(o, old, fresh, key) {
				r.Lines = append(r.Lines, line(key, a, b))
			}
		}
	}
	if skipped := undirected(old, fresh, o); len(skipped) > 0 {
		r.Notes = append(r.Notes, "not judged, having no better direction: "+join(skipped))
	}
	holm(r.Lines)
	tests := r.tests()
	for i := range r.Lines {
		l := &r.Lines[i]
		m, why := unitMeta(old, fresh, l.Unit)
		l.judge(m, why, tests)
	}
	return r
}

func line(key results.Series, a, b []float64) Line {
	l := Line{Name: key.Name, Unit: key.Unit, P: math.NaN(), Adjusted: math.NaN()}
	if len(a) > 0 {
		l.Old = Sample{len(a), median(a)}
	}
	if len(b) > 0 {
		l.New = Sample{len(b), median(b)}
	}
	if !l.tested() {
		return l
	}
	if l.Old.Median != 0 {
		l.Ratio = l.New.Median / l.Old.Median
	}
	l.P = mannWhitney(a, b)
	return l
}

// tested reports that both sides have values.
func (l Line) tested() bool {
	return l.Old.N > 0 && l.New.N > 0
}

// judge gives the verdict; tests is how many lines share the error budget.
func (l *Line) judge(m results.UnitMeta, conflict string, tests int) {
	l.Verdict = CannotJudge
	switch {
	case l.Old.N == 0:
		l.Why = "only in the new run"
	case l.New.N == 0:
		l.Why = "only in the old run"
	case conflict != "":
		l.Why = conflict
	case m.Better == 0:
		l.Why = "its unit states no better direction"
	case l.Old.Median <= 0 || l.New.Median < 0:
		l.Why = "no ratio to a median of zero or less"
	case l.Adjusted >= alpha && !tested(l.Old.N, l.New.N, tests):
		l.Why = fmt.Sprintf("too few samples: %d a side needed (comparisons: %d)", needed(tests), tests)
	default:
		l.decide(m)
	}
}

// decide is for lines that could have come out either way.
func (l *Line) decide(m results.UnitMeta) {
	c := contest{threshold: m.Threshold}
	if c.threshold == 0 {
		c.threshold = defaultThreshold
	}
	effect := l.Ratio - 1
	switch c.ranked(l.Adjusted, math.Abs(effect)) {
	case undecided:
		l.Verdict, l.Why = Same, "not significant"
	case level:
		l.Verdict = Same
		if l.Adjusted < alpha {
			l.Why = fmt.Sprintf("under %g %%", 100*c.threshold)
		}
	default:
		l.Verdict = Worse
		if effect*float64(m.Better) > 0 {
			l.Verdict = Better
		}
	}
}

// tests is how many lines have values on both sides, and so a p-value.
func (r *Report) tests() int {
	n := 0
	for _, l := range r.Lines {
		if l.tested() {
			n++
		}
	}
	return n
}

// Count is how many lines have a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, l := range r.Lines {
		if l.Verdict == v {
			n++
		}
	}
	return n
}

func join(names []unit.Name) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

func union[T comparable](a, b []T) []T {
	out, has := slices.Clone(a), map[T]bool{}
	for _, s := range a {
		has[s] = true
	}
	for _, s := range b {
		if !has[s] {
			out, has[s] = append(out, s), true
		}
	}
	return out
}
