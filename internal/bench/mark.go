package bench

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"stackbench/internal/meter"
	"stackbench/internal/results"
)

// mark writes before an invalid trial's result line, in the results' own stream,
// that it is none: whoever has but that stream must not take it for good. From
// a leaf's second repetition in a process on, testing has begun the line by
// then, and the reason goes to standard error alone.
func (r *run) mark(t results.Trial) {
	failed := slices.ContainsFunc(t.Invalid, func(why results.Reason) bool {
		return slices.Contains([]string{string(meter.RuleAnswers), string(meter.RuleTokens), string(meter.RuleCached)}, why.Rule)
	})
	if failed && t.Issued > 0 { // a window in which nobody had time to ask has no answers that could fail
		r.wrong = append(r.wrong, t.Name)
	}
	if r.marked[t.Name] || len(t.Invalid) == 0 || len(t.Metrics) == 0 {
		return
	}
	if r.marked == nil {
		r.marked = map[string]bool{}
	}
	r.marked[t.Name] = true
	out := r.marks
	if out == nil {
		out = io.Writer(os.Stdout)
	}
	texts := strings.ReplaceAll(strings.Join(results.Texts(t.Invalid), "; "), "\n", " ")
	fmt.Fprintln(out, results.InvalidMark(t.Name, texts))
}
