package compare

import (
	"math"
	"slices"
)

// holm corrects the p-values of all tested lines for their number, by Holm's
// step-down method: the k-th smallest of m is multiplied by m − k + 1, and none
// is smaller than the one before it.
func holm(lines []Line) {
	var tested []*Line
	for i := range lines {
		if lines[i].tested() {
			tested = append(tested, &lines[i])
		}
	}
	slices.SortStableFunc(tested, func(a, b *Line) int {
		if a.P < b.P {
			return -1
		}
		if a.P > b.P {
			return 1
		}
		return 0
	})
	floor := 0.0
	for k, l := range tested {
		floor = max(floor, l.P*float64(len(tested)-k))
		l.Adjusted = min(1, floor)
	}
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
