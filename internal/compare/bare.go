package compare

import (
	"slices"
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// bare says that a row is undecided because a trial keeps no raw values of its
// unit, and its trials are too few for a rank test.
func bare(values []measured, cells []Cell, load results.Name, u unit.Name) bool {
	_, _, raw := recorded(u)
	if raw || u.Sought() || u.Throughput() && load.Get(axis.Load) == axis.Closed {
		return false
	}
	if !slices.ContainsFunc(cells, func(c Cell) bool { return strings.Contains(c.Remark, undecided.word()) }) {
		return false
	}
	return slices.ContainsFunc(values, func(v measured) bool { return v.ok && !v.doubt && !v.out && !v.span.known() })
}

// noInterval says so to the reader.
func noInterval(units []unit.Name) string {
	return "No interval: of " + join(units) + " a trial keeps one value, so that with so few trials a difference over the noise floor stays undecided."
}
