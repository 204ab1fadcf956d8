package compare

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the table for README. The best value is bold, which a plain
// reader sees as asterisks.
func (t *Table) Markdown(w io.Writer) error {
	var b strings.Builder
	for _, block := range t.Blocks {
		block.markdown(&b)
		b.WriteString("\n")
	}
	curvesMarkdown(&b, t.Curves)
	t.notes(&b, "\n")
	if _, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n"); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func (block Block) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "**%s**\n\n| load | metric |", block.Title)
	for _, s := range block.Stacks {
		fmt.Fprintf(b, " %s |", s)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("--:|", len(block.Stacks)) + "\n")
	last := ""
	for _, r := range block.Rows {
		shown := r.Label
		if shown == last {
			shown = ""
		}
		last = r.Label
		fmt.Fprintf(b, "| %s | %s |", shown, code(r.Unit))
		for i, c := range r.Cells {
			switch {
			case r.Wide == "":
				fmt.Fprintf(b, " %s |", c.markdown())
			case i == 0:
				fmt.Fprintf(b, " %s |", r.Wide)
			default:
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
}

func code(unit string) string {
	if unit == "" {
		return ""
	}
	return "`" + unit + "`"
}

func (c Cell) markdown() string {
	text, remark := c.Text, c.remark()
	if c.Remark == best {
		text = "**" + text + "**"
		remark = strings.TrimSpace(strings.TrimSuffix(remark, best))
	}
	return strings.TrimSpace(text + " " + remark)
}
