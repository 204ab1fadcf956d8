package search

// Effective is how many independent values as much can be learned from as from a
// series: its length ÷ (1 + 2 Σ of its autocorrelations), summed while pairs of
// neighbours are positive (Geyer's initial positive sequence). Slow answers of a
// queue come in clumps: two hundred requests may be five of these.
func Effective(series []float64) float64 {
	n := len(series)
	mean := 0.0
	for _, v := range series {
		mean += v / float64(n)
	}
	at := func(lag int) float64 { // autocovariance
		sum := 0.0
		for i := lag; i < n; i++ {
			sum += (series[i] - mean) * (series[i-lag] - mean)
		}
		return sum / float64(n)
	}
	all := at(0)
	if all <= 0 { // no two values differ
		return float64(n)
	}
	sum := 1.0
	for lag := 1; lag+1 < n/3; lag += 2 {
		pair := (at(lag) + at(lag+1)) / all
		if pair <= 0 {
			break
		}
		sum += 2 * pair
	}
	return float64(n) / sum
}
