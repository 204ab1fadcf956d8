package results

import (
	"math"
	"strconv"
	"strings"
)

// Figure writes a value of a unit for people, without the unit: three
// significant digits. A share of good answers is never rounded up to 100.
func Figure(unit string, v float64) string {
	if unit == "ok-%" && v < 100 {
		return strconv.FormatFloat(math.Floor(v*100)/100, 'f', -1, 64)
	}
	if unit == "users" {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return significant(v)
}

// Quantity writes a value with its unit: 12.3 ms, 412 MB, 1.23 GB, 81.4 %, 812 rps.
func Quantity(unit string, v float64) string {
	switch {
	case unit == "ns/op":
		return significant(v/1e6) + " ms"
	case strings.HasSuffix(unit, "MB") && v >= 999.5:
		return significant(v/1000) + " GB"
	case strings.HasSuffix(unit, "MB"):
		return significant(v) + " MB"
	case strings.HasSuffix(unit, "-ms"):
		return significant(v) + " ms"
	case strings.HasSuffix(unit, "-s"):
		return significant(v) + " s"
	case strings.HasSuffix(unit, "%"), unit == "batch-eff", strings.HasSuffix(unit, "-util"):
		return Figure(unit, v) + " %"
	}
	return significant(v) + " " + unit
}

// significant writes three significant digits without an exponent.
func significant(v float64) string {
	if v == 0 { // and −0
		return "0"
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	// Rounding to three digits may carry into the next power of ten (9.996), so
	// the exponent is that of the rounded value.
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 2, 64), "e")
	power, err := strconv.Atoi(exponent)
	if err != nil {
		return mantissa // cannot be: FormatFloat writes an exponent
	}
	rounded, err := strconv.ParseFloat(mantissa+"e"+exponent, 64)
	if err != nil {
		return mantissa
	}
	return strconv.FormatFloat(rounded, 'f', max(0, 2-power), 64)
}

// Percentile is the nearest-rank percentile of response times pooled from any
// number of trials: the smallest that at least per % of the requests do not
// exceed. sorted must ascend; failed more requests have no good answer, and
// stand above all as +∞. NaN without a request.
func Percentile(sorted []float64, failed, per int) float64 {
	n := len(sorted) + failed
	rank := (n*per + 99) / 100 // a ceiling in integers: 0.95 × 20 is above 19 in floats
	switch {
	case n == 0:
		return math.NaN()
	case rank > len(sorted):
		return math.Inf(1)
	}
	return sorted[max(rank, 1)-1]
}
