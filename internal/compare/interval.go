package compare

import (
	"math"
	"slices"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

const (
	mostBatches  = 10
	leastBatches = 5
	batchLength  = 6 // requests of a batch, where there are enough for that
	leastSample  = 10
)

// span is the interval of a value; the zero span is unknown.
type span struct{ low, high float64 }

func (s span) known() bool { return s.high > 0 && !math.IsNaN(s.low+s.high) }

func (s span) touches(o span) bool { return s.low <= o.high && o.low <= s.high }

// hull holds both; with an unknown one it is unknown.
func (s span) hull(o span) span {
	if !s.known() || !o.known() {
		return span{}
	}
	return span{min(s.low, o.low), max(s.high, o.high)}
}

// spanOf is the interval of a metric within one trial: of percentiles from the
// raw times, of a closed loop's rate from the mean time that is its inverse, of a
// search from its probes. Metrics of which a trial keeps no raw values have none.
func spanOf(t results.Trial, load results.Name, u unit.Name, value float64) span {
	switch {
	case u.Sought():
		if t.Knee != nil && t.Knee.High > 0 {
			return span{t.Knee.Low, t.Knee.High}
		}
	case u.Throughput() && load.Get(axis.Load) == axis.Closed:
		return rateSpan(t.Raw[unit.Response], value)
	}
	if of, percent, ok := recorded(u); ok {
		return percentileSpan(t.Raw[of], t.Failures(), float64(percent)/100)
	}
	return span{}
}

// batches cuts a series, in the order of time, into as many equal parts as it
// allows, five to ten. What neighbours have in common then shows as a difference
// between the parts. nil: it is too short.
func batches(series []float64) [][]float64 {
	if len(series) < leastSample {
		return nil
	}
	n := min(mostBatches, max(leastBatches, len(series)/batchLength))
	out := make([][]float64, n)
	for i := range out {
		out[i] = series[i*len(series)/n : (i+1)*len(series)/n]
	}
	return out
}

// student is the 97.5 % quantile of Student's t with as many degrees of freedom.
func student(freedom int) float64 {
	table := [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131}
	switch {
	case freedom < 1:
		return math.Inf(1)
	case freedom <= len(table):
		return table[freedom-1]
	}
	return 1.96 + 2.5/float64(freedom) // within 0.01 from there on
}

// across is the standard error of the mean of what f gives of each batch, and how
// far to go for 95 %.
func across(parts [][]float64, f func([]float64) float64) (mean, half float64) {
	n := float64(len(parts))
	var values []float64
	for _, part := range parts {
		values = append(values, f(part))
		mean += values[len(values)-1] / n
	}
	square := 0.0
	for _, v := range values {
		square += (v - mean) * (v - mean)
	}
	return mean, student(len(parts)-1) * math.Sqrt(square/(n-1)/n)
}

// percentileSpan is the order-statistic interval of a percentile. How uncertain
// the share under it is, batches say, or the binomial distribution if that says
// more: requests one after the other are not independent.
func percentileSpan(series []float64, failed int, p float64) span {
	parts := batches(series)
	if parts == nil {
		return span{}
	}
	sorted := slices.Sorted(slices.Values(series))
	n := len(sorted) + failed
	at := func(share float64) float64 {
		rank := int(math.Ceil(share * float64(n)))
		switch {
		case rank < 1:
			return 0
		case rank > len(sorted):
			return math.Inf(1)
		}
		return sorted[rank-1]
	}
	centre := at(p)
	_, half := across(parts, func(part []float64) float64 {
		over := 0
		for _, v := range part {
			if v > centre {
				over++
			}
		}
		return float64(over) / float64(len(part))
	})
	half = max(half, student(len(parts)-1)*math.Sqrt(p*(1-p)/float64(n)))
	return span{at(p - half), at(p + half)}
}

// rateSpan is the interval of the rate of a closed loop, in the same proportion as
// that of the mean time in it: users ÷ rate.
func rateSpan(series []float64, rate float64) span {
	parts := batches(series)
	if parts == nil {
		return span{}
	}
	mean, half := across(parts, func(part []float64) float64 {
		sum := 0.0
		for _, v := range part {
			sum += v / float64(len(part))
		}
		return sum
	})
	if half >= mean {
		return span{0, math.Inf(1)}
	}
	return span{rate / (1 + half/mean), rate / (1 - half/mean)}
}
