// Package meter turns the records of a measured window into the metrics that
// stackbench publishes: the percentiles, the rules under which a number may be
// shown, and the verdict whether the window was in a steady state. What a metric
// is, package unit says.
package meter

import (
	"math"

	"stackbench/internal/unit"
)

// Metric is one measured value.
type Metric struct {
	Unit  unit.Name
	Value float64
}

// Withheld is a metric that is not published, and why. Reasons name the rule,
// not the count, so that a table can add up the cells that one rule emptied.
type Withheld struct {
	Unit   unit.Name
	Reason string
}

// smallest is the least value that the testing package does not print as
// 0.0000000. A zero makes a geometric mean impossible, and so is withheld.
const smallest = 1e-7

// Reporter is what testing.B offers for the values of its result line.
type Reporter interface {
	ReportMetric(value float64, unit string)
}

// Report hands every metric to the benchmark's result line. Without any, ns/op
// is set to 0, which makes testing print none of its own.
func (s Summary) Report(r Reporter) {
	r.ReportMetric(0, string(unit.NsPerOp))
	for _, m := range s.Metrics {
		r.ReportMetric(m.Value, string(m.Unit))
	}
}

// ledger sorts values into the published and the withheld.
type ledger struct {
	metrics  []Metric
	withheld []Withheld
}

// put publishes a value, unless it is one that the benchmark stream cannot hold.
func (l *ledger) put(u unit.Name, v float64) {
	switch {
	case math.IsNaN(v):
		l.withhold(u, "not a number")
	case math.IsInf(v, 0):
		l.withhold(u, "infinite")
	case v < 0:
		l.withhold(u, "negative")
	case v < smallest:
		l.withhold(u, "zero")
	default:
		l.metrics = append(l.metrics, Metric{u, v})
	}
}

func (l *ledger) withhold(u unit.Name, reason string) {
	l.withheld = append(l.withheld, Withheld{u, reason})
}
