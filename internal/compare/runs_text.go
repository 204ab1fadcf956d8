package compare

import (
	"fmt"
	"io"
	"strings"

	"stackbench/internal/unit"
)

// Text writes the report for a terminal: the metrics of each benchmark below
// its name, then the count of verdicts.
func (r *Report) Text(w io.Writer) error {
	rows := make([][]string, len(r.Lines))
	width := make([]int, 6)
	for i, l := range r.Lines {
		rows[i] = l.columns()
		for c, text := range rows[i] {
			width[c] = max(width[c], columns(text))
		}
	}
	var b strings.Builder
	name := ""
	for i, l := range r.Lines {
		if l.Name != name {
			name = l.Name
			writeLine(&b, name)
		}
		line := "  "
		for c, text := range rows[i] {
			line += pad(text, width[c]+2)
		}
		writeLine(&b, line)
	}
	fmt.Fprintf(&b, "%d better, %d worse, %d same, %d cannot be judged (Mann-Whitney, Holm over %d, 5 %%)\n",
		r.Count(Better), r.Count(Worse), r.Count(Same), r.Count(CannotJudge), r.tests())
	for _, n := range r.Notes {
		writeLine(&b, "Note: "+n)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}

// columns are the texts of a line: unit, old and new median, change, p and n, verdict.
func (l Line) columns() []string {
	show := func(s Sample) string {
		if s.N == 0 {
			return none
		}
		return unit.Quantity(l.Unit, s.Median)
	}
	delta, p := "", ""
	if l.tested() {
		if l.Ratio > 0 {
			delta = change(l.Ratio)
		}
		p = fmt.Sprintf("%s n=%d+%d", probability(l.Adjusted), l.Old.N, l.New.N)
	}
	verdict := string(l.Verdict)
	if l.Why != "" {
		verdict += ": " + l.Why
	}
	return []string{string(l.Unit), show(l.Old), "→ " + show(l.New), delta, p, verdict}
}

// probability writes a p-value, which no sample makes zero.
func probability(p float64) string {
	if p < 0.001 {
		return "p<0.001"
	}
	return fmt.Sprintf("p=%.3f", p)
}
