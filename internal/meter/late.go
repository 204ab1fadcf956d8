package meter

import (
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/unit"
)

// lateError is how often a sample may be called late by chance whose sends are
// late as often as they may be: a side of a 95 % interval.
const lateError = 0.025

// brokenLate judges the share of late sends by what their number can show: of
// few sends one late one is more than 1 %, and says nothing. So the lower end of
// the share's exact interval (Clopper-Pearson) must be over 1 %.
func (p *sample) brokenLate() string {
	if !p.open || len(p.late) == 0 {
		return ""
	}
	limit := lateFloor
	if median, ok := unit.Nearest(slices.Sorted(slices.Values(p.service)), 0, 50); ok {
		limit = max(limit, median/lateOfService)
	}
	late, worst := 0, time.Duration(0)
	for _, d := range p.late {
		if d > limit {
			late++
		}
		worst = max(worst, d)
	}
	if float64(late) <= lateShare*float64(len(p.late)) || atLeast(late, len(p.late), lateShare) >= lateError {
		return ""
	}
	return fmt.Sprintf("%d of %d sends were over %s late, by up to %s: of all sends, at least %.1f %%, over %.0f %%",
		late, len(p.late), inMilliseconds(limit), inMilliseconds(worst), 100*leastShare(late, len(p.late)), 100*lateShare)
}

// leastShare is the lower end of the exact interval of a share of which k in n
// were seen: the share at which k or more come up by chance in lateError of
// samples.
func leastShare(k, n int) float64 {
	if k == 0 {
		return 0
	}
	low, high := 0.0, float64(k)/float64(n)
	for range 50 {
		if mid := (low + high) / 2; atLeast(k, n, mid) < lateError {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// atLeast is the chance of k or more in n where each comes up with chance p.
func atLeast(k, n int, p float64) float64 {
	if p <= 0 {
		return 0
	}
	sum := 0.0
	all, _ := math.Lgamma(float64(n + 1))
	for i := range k { // fewer than k, each in logarithms: n may be large
		a, _ := math.Lgamma(float64(i + 1))
		b, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return math.Max(0, 1-sum)
}
