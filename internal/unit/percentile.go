package unit

import "strconv"

// Nearest is the nearest-rank percentile of a sample: the smallest value that at
// least so many percent of it do not exceed. sorted must ascend; failed more
// requests have no good answer, and stand above all as +∞. False where the rank
// falls on one of these, or there is no sample.
func Nearest[T ~float64 | ~int64](sorted []T, failed, percent int) (v T, ok bool) {
	n := len(sorted) + failed
	rank := (n*percent + 99) / 100 // a ceiling in integers: 0.95 × 20 is above 19 in floats
	if rank = max(rank, 1); rank > len(sorted) {
		return 0, false
	}
	return sorted[rank-1], true
}

// percentileOf names a percentile.
func percentileOf(percent int) string {
	if percent == 50 {
		return "median"
	}
	return strconv.Itoa(percent) + "th percentile"
}
