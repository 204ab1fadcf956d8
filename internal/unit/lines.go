package unit

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Lines writes the benchmark format's unit lines, once a stream and before any
// result. benchstat ignores better= and threshold=; our own comparison, which
// reads nothing but results, does not.
func Lines(w io.Writer) error {
	for _, u := range All() {
		if u.Better == Neither {
			continue
		}
		_, err := fmt.Fprintf(w, "Unit %s better=%s threshold=%s\n", u.Name, u.Better, strconv.FormatFloat(u.Threshold, 'g', -1, 64))
		if err != nil {
			return fmt.Errorf("write unit lines: %w", err)
		}
	}
	return nil
}

// Markdown is the table as the page of units shows it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| unit | definition | kind | needs | better | groups |\n|---|---|---|---|---|---|\n")
	for _, u := range All() {
		better, needs := string(u.Better), "–"
		if u.Better == Neither {
			better = "–"
		}
		if u.Measure.Kind == Percentile {
			needs = fmt.Sprintf("%d %s", u.Needs(), u.Measure.Of.Sample())
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", u.Name, u.Definition, u.Measure.words(), needs, better, u.Where.words())
	}
	return b.String()
}
