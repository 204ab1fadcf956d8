package compare

import (
	"fmt"
	"slices"

	"stackbench/internal/results"
)

// Believe makes a run's samples those of its trials that are neither invalid nor
// in doubt: the others are not compared as if they were good. It says how many
// these are; "" of none. bench holds the lines of the run's benchmark stream,
// which does not tell which are which.
func Believe(bench *results.Bench, run *results.Run) string {
	left, leaves, names := 0, []string{}, []string{}
	bench.Samples = map[results.Series][]float64{}
	for _, t := range run.Trials {
		if t.Again || len(t.Metrics) == 0 {
			continue
		}
		if len(t.Invalid)+len(t.Doubts) > 0 {
			left++
			if !slices.Contains(leaves, t.Name) {
				leaves = append(leaves, t.Name)
			}
			continue
		}
		names = append(names, t.Name)
		for u, v := range t.Metrics {
			key := results.Series{Name: t.Name, Unit: u}
			bench.Samples[key] = append(bench.Samples[key], v)
		}
	}
	bench.Names = union(bench.Names, names)
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s invalid or in doubt, and not compared", count(left, "trial"), count(len(leaves), "benchmark"))
}
