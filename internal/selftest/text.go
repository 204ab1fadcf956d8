package selftest

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Faults say why the client is not to be trusted on this machine now; none when
// it is.
func (r Report) Faults() []string {
	var out []string
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Why != "" {
				out = append(out, k.Why)
			}
		}
	}
	return out
}

// Text writes the report for people: the errors, what the machine adds, and one
// sentence.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %-18s %10s %10s %9s\n", "script", "figure", "truth", "measured", "error")
	for _, c := range r.Cases {
		name := c.Script
		for _, k := range c.Checks {
			mark := ""
			if k.Why != "" {
				mark = "  ✗ over " + figure(k.Bound)
			}
			line := fmt.Sprintf("%-10s %-18s %10s %10s %9s%s", name, k.Unit, figure(k.True), figure(k.Got), k.off(), mark)
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			name = ""
		}
	}
	fmt.Fprintf(&b, "\nSends are late by %.2f ms (p99); a server that answers at once seems to take %.3f ms.\n", r.Late, r.Floor)
	fmt.Fprintf(&b, "Held to: medians 1 %% or %g ms and that way, whichever is more, but at most %g ms; tails 2 %% or %g ms and that way, at most %g ms.\n",
		middleLeast, middleMost, tailLeast, tailMost)
	b.WriteString(r.Foreign.seen())
	fmt.Fprintf(&b, "%d starts of %s differ by chance by up to %s in p50", r.Noise.Starts, r.Noise.Of, percent(r.Noise.P50))
	if r.Noise.P95 > 0 {
		fmt.Fprintf(&b, " and %s in p95", percent(r.Noise.P95))
	}
	b.WriteString(" (19 of 20 pairs).\n")
	if r.Noise.Lack != "" {
		fmt.Fprintf(&b, "A real stack varies more; embedded was not measured against itself: %s.\n", r.Noise.Lack)
	}
	for _, why := range r.Faults() {
		fmt.Fprintf(&b, "✗ %s\n", why)
	}
	fmt.Fprintf(&b, "\n%s\n", r.Sentence())
	_, err := io.WriteString(w, b.String())
	return err
}

// Sentence is the whole report in one.
func (r Report) Sentence() string {
	others := r.Foreign.words()
	if n := len(r.Faults()); n > 0 {
		return fmt.Sprintf("Do not measure here now: %d of the client's figures were wrong; %s.", n, others)
	}
	of := ""
	if r.Noise.Lack != "" {
		of = " of a scripted server"
	}
	return fmt.Sprintf("This machine tells differences of over %s in p50%s with one trial; %s.", percent(r.Noise.P50), of, others)
}

// percent rounds up: what is promised must hold.
func percent(v float64) string { return fmt.Sprintf("%.0f %%", math.Max(1, math.Ceil(v))) }

// off is the error in percent, or in the unit where the truth is zero.
func (c Check) off() string {
	switch {
	case math.IsInf(c.True, 1) && math.IsInf(c.Got, 1):
		return "none"
	case c.True == 0 || math.IsInf(c.True, 1):
		return ""
	}
	return fmt.Sprintf("%+.2f %%", 100*(c.Got/c.True-1))
}

func figure(v float64) string {
	if math.IsInf(v, 1) {
		return "+∞"
	}
	return fmt.Sprintf("%.4g", v)
}
