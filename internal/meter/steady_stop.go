package meter

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"stackbench/internal/record"
)

// A server has stopped when nobody is answered for so much of the window, and
// for so many times what an answer takes, though somebody waits.
const (
	stopShare = 0.1
	stopTimes = 4
)

// stops finds the longest time in the window in which somebody waited and
// nobody was answered well.
func stops(records []record.Record, w Window) string {
	var took []time.Duration
	for _, r := range records {
		if r.Outcome == record.Good {
			took = append(took, latency(r, w.Open))
		}
	}
	if len(took) == 0 {
		return "" // it never went, and failures say so
	}
	slices.Sort(took)
	limit := max(time.Duration(stopShare*float64(w.Length)), stopTimes*at(took, 50))
	if longest := silence(records, w.Length); longest > limit {
		return fmt.Sprintf("the server stops: no good answer for %.1f s, though requests waited", longest.Seconds())
	}
	return ""
}

// silence is the longest time without a good answer, counted from when the
// first of those who then waited was due.
func silence(records []record.Record, length time.Duration) time.Duration {
	type ending struct {
		at, due time.Duration
		good    bool
	}
	var ended []ending
	for _, r := range records {
		ended = append(ended, ending{min(max(r.Done, r.Last, r.Intended), length), r.Intended, r.Outcome == record.Good})
	}
	slices.SortFunc(ended, func(a, b ending) int { return cmp.Compare(a.at, b.at) })
	due := make([]time.Duration, len(ended)+1) // the earliest of those that ended then or later
	due[len(ended)] = length
	for i, e := range slices.Backward(ended) {
		due[i] = min(due[i+1], e.due)
	}
	since, first, longest := time.Duration(0), 0, time.Duration(0)
	for i, e := range ended {
		if e.good {
			longest = max(longest, e.at-max(since, due[first]))
			since, first = e.at, i+1
		}
	}
	return max(longest, length-max(since, due[first]))
}

// bunched is how unlikely it may be, by chance, that so many of the failures
// fall into one third of a window.
const bunched = 0.001

// bunches finds failures that fall into one third of the window. Rounds in
// which requests failed are counted, since users may fail together.
func bunches(records []record.Record, w Window) string {
	users := max(1, w.Conns)
	if w.Open {
		users = 1
	}
	rounds := (len(records) + users - 1) / users
	var thirds [3]int
	total := 0
	for i := range rounds {
		round := records[i*users : min(len(records), (i+1)*users)]
		if slices.ContainsFunc(round, func(r record.Record) bool { return r.Outcome != record.Good }) {
			thirds[i*3/rounds]++
			total++
		}
	}
	for i, name := range []string{"first", "second", "last"} {
		if atLeast(thirds[i], total, 1/3.0) < bunched/3 {
			return fmt.Sprintf("failures bunch in its %s third: %d of %d", name, thirds[i], total)
		}
	}
	return ""
}
