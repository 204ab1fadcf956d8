package meter

import (
	"fmt"
	"time"
)

// The smallest samples that show a percentile at 99 % confidence with one
// request above it allowed, from the binomial distribution: MLPerf LoadGen's
// own minimum.
const (
	needs50 = 11
	needs95 = 130
	needs99 = 662
)

// quantile is a unit that is a percentile.
type quantile struct {
	unit  string
	per   int    // percent
	needs int    // of the sample, failures included
	of    string // what the sample is of
}

func quantiles() []quantile {
	return []quantile{{"p50-ms", 50, needs50, "requests"}, {"p95-ms", 95, needs95, "requests"}, {"p99-ms", 99, needs99, "requests"}}
}

// measure ranks sorted times, above which stand the failures, each as +∞.
func (q quantile) measure(l *ledger, sorted []time.Duration, failed int) {
	if len(sorted)+failed < q.needs {
		l.withhold(q.unit, fmt.Sprintf("fewer than %d %s", q.needs, q.of))
		return
	}
	d, ok := nearestRank(sorted, failed, q.per)
	if !ok {
		l.withhold(q.unit, "+∞: the rank falls on a failed request")
		return
	}
	l.put(q.unit, milliseconds(d))
}

// nearestRank gives the smallest time that at least per % of the sample do not
// exceed; false when that is a failure, or when there is no sample.
func nearestRank(sorted []time.Duration, failed, per int) (time.Duration, bool) {
	n := len(sorted) + failed
	rank := (n*per + 99) / 100 // ceiling in integers: 0.95 × 20 is above 19 in floats
	if rank < 1 || rank > len(sorted) {
		return 0, false
	}
	return sorted[rank-1], true
}
