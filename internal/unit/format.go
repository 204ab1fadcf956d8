package unit

import (
	"math"
	"strconv"
	"strings"
)

// Print is how a unit's values are written for people.
type Print string

const (
	Plain        Print = ""        // 812 rps
	Nanoseconds  Print = "ns"      // as milliseconds
	Milliseconds Print = "ms"      // 12.3 ms
	Seconds      Print = "s"       // 2.31 s
	Megabytes    Print = "MB"      // 412 MB, 1.23 GB
	Percent      Print = "%"       // 81.4 %
	Floored      Print = "floored" // likewise, and never rounded up to 100
	Whole        Print = "whole"   // all digits
)

// foreign guesses it of a name that the table does not know, by how it ends.
func foreign(n Name) Print {
	for _, end := range []struct {
		suffix string
		print  Print
	}{{"MB", Megabytes}, {"-ms", Milliseconds}, {"-s", Seconds}, {"%", Percent}, {"-util", Percent}} {
		if strings.HasSuffix(string(n), end.suffix) {
			return end.print
		}
	}
	return Plain
}

// Figure writes a value of a unit for people, without the unit: three
// significant digits. A share of good answers is never rounded up to 100.
func Figure(n Name, v float64) string {
	u, _ := Find(n)
	switch {
	case u.Print == Floored && v < 100:
		return strconv.FormatFloat(math.Floor(v*100)/100, 'f', -1, 64)
	case u.Print == Whole:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return Significant(v)
}

// Quantity writes a value with its unit: 12.3 ms, 412 MB, 1.23 GB, 81.4 %, 812 rps.
func Quantity(n Name, v float64) string {
	u, _ := Find(n)
	switch u.Print {
	case Nanoseconds:
		return Significant(v/1e6) + " ms"
	case Megabytes:
		if v >= 999.5 {
			return Significant(v/1000) + " GB"
		}
		return Significant(v) + " MB"
	case Milliseconds:
		return Significant(v) + " ms"
	case Seconds:
		return Significant(v) + " s"
	case Percent, Floored:
		return Figure(n, v) + " %"
	}
	return Significant(v) + " " + string(n)
}

// Short is a name before a value that says its own dimension: p95 12.3 ms.
func (n Name) Short() string {
	return strings.TrimSuffix(string(n), "-ms")
}

// Significant writes three significant digits without an exponent.
func Significant(v float64) string {
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
