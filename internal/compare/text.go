package compare

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// shownDoubts is how many doubts are printed; the run's folder has them all.
const shownDoubts = 5

// Text writes the table for a terminal, without colour: best is a word, and a
// number in doubt carries an exclamation mark.
func (t *Table) Text(w io.Writer) error {
	var b strings.Builder
	for _, block := range t.Blocks {
		block.text(&b)
		b.WriteString("\n")
	}
	curvesText(&b, t.Curves)
	t.notes(&b, "")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// notes are the lines below the blocks.
func (t *Table) notes(b *strings.Builder, gap string) {
	if len(t.Missing) > 0 {
		fmt.Fprintf(b, "Not shown: %s.\n%s", strings.Join(t.Missing, "; "), gap)
	}
	for i, d := range t.Doubts {
		if i == shownDoubts {
			fmt.Fprintf(b, "! and %d more reasons, in the run's folder\n%s", len(t.Doubts)-i, gap)
			break
		}
		fmt.Fprintf(b, "! %s\n%s", d, gap)
	}
	for _, c := range t.Conditions {
		fmt.Fprintf(b, "%s\n%s", c, gap)
	}
}

func (block Block) text(b *strings.Builder) {
	left := columns("  " + block.Title)
	label := 0
	for _, r := range block.Rows {
		label = max(label, columns(r.Label))
	}
	for _, r := range block.Rows {
		left = max(left, 2+label+2+columns(r.Unit))
	}
	left += 3
	grid := widths(block)
	line := pad(block.Title, left)
	for i, s := range block.Stacks {
		line += pad(s, grid[i].column)
	}
	writeLine(b, line)
	last := ""
	for _, r := range block.Rows {
		shown := r.Label
		if shown == last { // the same load, another metric
			shown = ""
		}
		last = r.Label
		line := pad("  "+pad(shown, label)+"  "+r.Unit, left)
		if r.Wide != "" {
			line += r.Wide
		} else {
			for i, c := range r.Cells {
				line += pad(c.aligned(r.Unit, grid[i].figure), grid[i].column)
			}
		}
		writeLine(b, line)
	}
}

// grid is the measure of one stack's column.
type grid struct {
	figure int // widest value of a metric
	column int // with remarks and the gap to the next column
}

func widths(block Block) []grid {
	grids := make([]grid, len(block.Stacks))
	for _, r := range block.Rows {
		for i, c := range r.Cells {
			if r.Unit != "" {
				grids[i].figure = max(grids[i].figure, columns(c.Text))
			}
		}
	}
	for i, s := range block.Stacks {
		grids[i].column = columns(s)
		for _, r := range block.Rows {
			if r.Wide == "" {
				grids[i].column = max(grids[i].column, columns(r.Cells[i].aligned(r.Unit, grids[i].figure)))
			}
		}
		grids[i].column += 3
	}
	return grids
}

// aligned is the cell's text with figures flush right, so that digits stand
// below digits; facts, which have no unit, stand flush left.
func (c Cell) aligned(unit string, figure int) string {
	text := c.Text
	if unit != "" {
		text = strings.Repeat(" ", figure-columns(text)) + text
	}
	if remark := c.remark(); remark != "" {
		text += "  " + remark
	}
	return text
}

func (c Cell) remark() string {
	if c.Doubt {
		return strings.TrimSpace("! " + c.Remark)
	}
	return c.Remark
}

func writeLine(b *strings.Builder, line string) {
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// pad fills up to a width in columns of a terminal.
func pad(s string, to int) string {
	return s + strings.Repeat(" ", max(0, to-columns(s)))
}

// columns is the width of a text on a terminal: an East Asian wide character
// takes two, a combining mark none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
