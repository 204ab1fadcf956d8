package compare

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// standing is what can be said of two stacks on a metric, or of two runs.
type standing int

const (
	level     standing = iota // no difference that is large enough to count
	undecided                 // there may be one, and the sample cannot tell
	apart                     // a difference that counts
)

// word is the remark of a standing, beside the difference.
func (s standing) word() string {
	return [...]string{"level", "undecided", ""}[s]
}

// contest is how two values of a metric are told apart. With several trials it
// takes the rank test of Mann and Whitney, corrected for all tests of the
// contest, and a difference over the unit's threshold. Where there are too few
// for that, it takes intervals that do not touch, and a difference over the floor
// under which one process differs from the next with nothing changed.
type contest struct {
	threshold float64
	floor     float64
}

// tested says whether samples of these sizes can come out significant, that many
// tests being made.
func tested(n, m, tests int) bool {
	return n > 0 && m > 0 && leastP(n, m)*float64(max(tests, 1)) < alpha
}

// effect is the relative difference of two values, the same whichever is first.
func effect(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return math.Inf(1)
	}
	return max(a/b, b/a) - 1
}

// ranked judges by a corrected p-value.
func (c contest) ranked(adjusted, effect float64) standing {
	switch {
	case effect <= c.threshold:
		return level
	case adjusted >= alpha:
		return undecided
	}
	return apart
}

// once judges by the intervals of single trials.
func (c contest) once(a, b measured) standing {
	switch {
	case effect(a.value, b.value) <= c.floor:
		return level
	case !a.span.known() || !b.span.known() || a.span.touches(b.span):
		return undecided
	}
	return apart
}

// against says how a leader stands to each of the others.
func (c contest) against(leader measured, others []measured) []standing {
	var ps []float64
	for _, o := range others {
		if tested(len(leader.trials), len(o.trials), len(others)) {
			ps = append(ps, mannWhitney(leader.trials, o.trials))
		}
	}
	adjusted := adjust(ps)
	var out []standing
	for _, o := range others {
		if !tested(len(leader.trials), len(o.trials), len(others)) {
			out = append(out, c.once(leader, o))
			continue
		}
		out = append(out, c.ranked(adjusted[0], effect(leader.value, o.value)))
		adjusted = adjusted[1:]
	}
	return out
}

// mannWhitney is the two-sided p-value of two samples.
func mannWhitney(a, b []float64) float64 {
	// NewSample sorts what it is given.
	s1 := benchmath.NewSample(slices.Clone(a), &benchmath.DefaultThresholds)
	s2 := benchmath.NewSample(slices.Clone(b), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Compare(s1, s2).P
}

// judge says of each value of a row whether it is the best, or how it stands to
// that. A value in doubt is never the best, and nothing is known to be better
// than it; one whose stack did not do the work is out of the contest.
func (c contest) judge(values []measured, better int) []Cell {
	out := make([]Cell, len(values))
	leader := -1
	var rivals []int
	doubtful := false
	for i, v := range values {
		if !v.ok {
			out[i].Text = none
			continue
		}
		out[i] = Cell{Text: v.text, Doubt: v.doubt}
		switch {
		case v.out:
		case v.doubt:
			doubtful = true
		default:
			rivals = append(rivals, i)
			if leader < 0 || float64(better)*(v.value-values[leader].value) > 0 {
				leader = i
			}
		}
	}
	if better == 0 || leader < 0 {
		return out
	}
	rivals = slices.DeleteFunc(rivals, func(i int) bool { return i == leader })
	var others []measured
	for _, i := range rivals {
		others = append(others, values[i])
	}
	least := apart
	for n, s := range c.against(values[leader], others) {
		least = weaker(least, s)
		out[rivals[n]].Remark = difference(values[rivals[n]].value/values[leader].value, s)
	}
	for i, v := range values {
		if v.ok && (v.doubt || v.out) {
			out[i].Remark = difference(v.value/values[leader].value, apart)
		}
	}
	switch {
	case len(others) == 0: // with nothing to be compared with
	case doubtful:
		out[leader].Remark = undecided.word()
	case least == apart:
		out[leader].Remark = best
	default:
		out[leader].Remark = least.word()
	}
	return out
}

// best is the remark of a value that is better than all others of its row.
const best = "best"

// weaker is the one that says less: a leader that is undecided with one and level
// with another may be the best, and is not known to be.
func weaker(a, b standing) standing {
	if a == undecided || b == undecided {
		return undecided
	}
	return min(a, b)
}

// difference is how far a value is from the leader's: (+23%), (+3.1%, level).
func difference(ratio float64, s standing) string {
	if word := s.word(); word != "" {
		return "(" + change(ratio) + ", " + word + ")"
	}
	return "(" + change(ratio) + ")"
}
