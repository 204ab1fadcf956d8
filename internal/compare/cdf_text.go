package compare

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/hist"
	"stackbench/internal/unit"
)

// Text writes a table a leaf, for a terminal. Service times are left out where
// they are the response times: in a closed loop.
func (c *CDF) Text(w io.Writer) error {
	var b strings.Builder
	doubt := false
	for _, s := range c.Leaves {
		if s.Tag == hist.Service && !s.open() {
			continue
		}
		s.text(&b)
		b.WriteString("\n")
		for _, col := range s.Columns {
			doubt = doubt || col.Doubt
		}
	}
	if doubt {
		b.WriteString("! a trial of it is invalid or in doubt: the table of the run says why (compare without --cdf)\n")
	}
	for _, m := range c.Missing {
		fmt.Fprintf(&b, "Not shown: %s.\n", m)
	}
	b.WriteString("Times of HdrHistogram, to three digits; published percentiles are ranked in the raw samples instead.\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the distributions: %w", err)
	}
	return nil
}

// open says whether requests were due when they were sent or before.
func (s Spread) open() bool {
	return slices.Contains([]string{axis.Open, axis.Knee}, s.key[1].Get(axis.Load))
}

func (s Spread) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s times in ms\n", s.Title, s.Tag)
	const left = 26
	line := func(first string, cell func(Column) string) {
		row := pad(first, left)
		for _, c := range s.Columns {
			text := cell(c)
			width := max(columns(c.Stack)+1, 10)
			row += strings.Repeat(" ", max(0, width-columns(text))) + text + "  "
		}
		writeLine(b, row)
	}
	line("  percentile     1/(1-p)", func(c Column) string {
		if c.Doubt {
			return c.Stack + "!"
		}
		return c.Stack
	})
	for _, step := range s.Steps() {
		first := fmt.Sprintf("  %10.6g  %10d", step.Percent(), step.Inverse)
		if step.Inverse == 0 {
			first = fmt.Sprintf("  %10.6g  %10s", step.Percent(), "all")
		}
		line(first, func(c Column) string { return c.cell(step) })
	}
	line("  requests", func(c Column) string { return strconv.FormatInt(c.Requests(), 10) })
	for _, c := range s.Columns {
		if c.Failed > 0 {
			line("  of them failed", func(c Column) string { return strconv.Itoa(c.Failed) })
			break
		}
	}
	line("  trials", func(c Column) string { return strconv.Itoa(c.Trials) })
}

func (c Column) cell(s Step) string {
	ms, known, failed := c.Value(s)
	switch {
	case !known:
		return none
	case failed:
		return "failed"
	}
	return unit.Figure(unit.P50, ms)
}

// CSV writes every leaf, tag, stack and step as a line of its own; a percentile
// that falls on a failed request is +Inf.
func (c *CDF) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"leaf", "stack", "tag", "percentile", "inverse", "ms", "requests", "failed", "trials", "doubt"}}
	for _, s := range c.Leaves {
		for _, col := range s.Columns {
			for _, step := range s.Steps() {
				ms, known, failed := col.Value(step)
				if !known {
					continue
				}
				text, inverse := strconv.FormatFloat(ms, 'g', 6, 64), strconv.FormatInt(step.Inverse, 10)
				if failed {
					text = "+Inf"
				}
				if step.Inverse == 0 {
					inverse = "+Inf"
				}
				rows = append(rows, []string{
					col.Name, col.Stack, s.Tag, strconv.FormatFloat(step.Percent(), 'g', 10, 64), inverse, text,
					strconv.FormatInt(col.Requests(), 10), strconv.Itoa(col.Failed), strconv.Itoa(col.Trials), strconv.FormatBool(col.Doubt),
				})
			}
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write the distributions: %w", err)
	}
	return nil
}
