package meter

import (
	"fmt"
	"slices"
	"time"

	"stackbench/internal/unit"
)

// rank measures the percentiles of a raw series, above which stand the failures,
// each as +∞.
func (l *ledger) rank(of unit.Series, raw []time.Duration, failed int) {
	sorted := slices.Sorted(slices.Values(raw))
	for _, u := range unit.Percentiles(of) {
		if len(sorted)+failed < u.Needs() {
			l.withhold(u.Name, fmt.Sprintf("fewer than %d %s", u.Needs(), of.Sample()))
			continue
		}
		d, ok := unit.Nearest(sorted, failed, u.Measure.Percent)
		if !ok {
			l.withhold(u.Name, "+∞: the rank falls on a failed request")
			continue
		}
		l.put(u.Name, milliseconds(d))
	}
}
