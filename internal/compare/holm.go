package compare

import (
	"cmp"
	"math"
	"slices"
)

// holm corrects the p-values of all tested lines for their number.
func holm(lines []Line) {
	var tested []*Line
	var ps []float64
	for i := range lines {
		if lines[i].tested() {
			tested, ps = append(tested, &lines[i]), append(ps, lines[i].P)
		}
	}
	for i, p := range adjust(ps) {
		tested[i].Adjusted = p
	}
}

// adjust corrects p-values for their number by Holm's step-down method: the k-th
// smallest of m is multiplied by m − k + 1, and none is smaller than the one
// before it.
func adjust(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	floor := 0.0
	for k, i := range order {
		floor = max(floor, ps[i]*float64(len(ps)-k))
		out[i] = min(1, floor)
	}
	return out
}

// leastP is the smallest p-value that two samples of these sizes can give: that
// of the two orders in which every value of one is above all of the other.
func leastP(n, m int) float64 {
	logN, _ := math.Lgamma(float64(n + 1))
	logM, _ := math.Lgamma(float64(m + 1))
	logAll, _ := math.Lgamma(float64(n + m + 1))
	return min(1, 2*math.Exp(logN+logM-logAll))
}

// needed is how many samples a side let that many tests come out significant.
func needed(tests int) int {
	n := 1
	for leastP(n, n)*float64(tests) >= alpha {
		n++
	}
	return n
}
