package compare

import (
	"fmt"
	"slices"
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// measured is a stack's value of a metric, or why there is none.
type measured struct {
	value    float64
	ok       bool
	doubt    bool
	out      bool      // its stack did not do the work that was asked
	trials   []float64 // of each, sound ones
	span     span      // over the trials
	text     string    // as the table shows it
	withheld string    // the reason; "" when it was not asked for or not measured
}

// value is a leaf's metric over its trials.
func (b *builder) value(l *leaf, u unit.Name) measured {
	if l == nil {
		return measured{}
	}
	var values []float64
	m := measured{}
	for _, t := range l.trials {
		if v, ok := t.Metrics[u]; ok && absent(l, t, u) {
			m.withheld = meter.AbsentUsers
		} else if ok {
			its := spanOf(t, l.name, u, v)
			if len(values) > 0 {
				its = its.hull(m.span)
			}
			m.span, values = its, append(values, v)
			m.doubt = m.doubt || len(t.Invalid)+len(t.Doubts) > 0
			m.out = m.out || undone(t)
		} else if why := t.Withheld[u]; why != "" {
			m.withheld = why
		}
	}
	if len(values) == 0 {
		return m
	}
	m.value, m.ok, m.withheld, m.trials = median(values), true, "", values
	if of, percent, ok := recorded(u); ok && len(l.trials) > 1 {
		m = b.pooled(m, l, of, percent)
	}
	m.text = unit.Figure(u, m.value)
	if u.Sought() && m.span.known() {
		m.text += fmt.Sprintf(" (%s–%s)", unit.Figure(u, m.span.low), unit.Figure(u, m.span.high))
	}
	return m
}

// undone says that a stack answered wrongly, or not at all, or did not compute
// what was asked: then its figures are no work's.
func undone(t results.Trial) bool {
	rules := []meter.Rule{meter.RuleAnswers, meter.RuleFailed, meter.RuleRestarted, meter.RulePrefix, meter.RuleCached, meter.RuleTokens}
	return slices.ContainsFunc(t.Invalid, func(r results.Reason) bool { return slices.Contains(rules, meter.Rule(r.Rule)) })
}

// absent says that a rate is of a window in which some users of a closed loop
// sent nothing: runs from before that was withheld still have it.
func absent(l *leaf, t results.Trial, u unit.Name) bool {
	users := l.name.Number(axis.Conc)
	return u.PerSpan() && t.Issued > 0 && t.Issued < users
}

// pooled ranks the requests of all trials together: percentiles of trials
// cannot be averaged.
func (b *builder) pooled(m measured, l *leaf, of unit.Series, percent int) measured {
	ms, failed, ok := b.run.Pooled(l.name.String(), of)
	if !ok {
		return measured{withheld: "a trial kept no raw response times to pool"}
	}
	if m.value, ok = unit.Nearest(ms, failed, percent); !ok {
		return measured{withheld: "+∞: the rank falls on a failed request"}
	}
	return m
}

// recorded is the percentile that a unit is, where trials keep the raw series
// that it ranks; false for others.
func recorded(u unit.Name) (of unit.Series, percent int, ok bool) {
	of, percent, ok = u.Ranked()
	return of, percent, ok && slices.Contains(unit.Recorded(), of)
}

// median of values, the mean of the middle two when their number is even.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// change writes a ratio as a difference: +23%, −4.2%, ×12.
func change(ratio float64) string {
	percent := 100 * (ratio - 1)
	sign := "+"
	if percent < 0 {
		sign, percent = "−", -percent
	}
	switch {
	case ratio >= 10:
		return fmt.Sprintf("×%.0f", ratio)
	case percent < 0.05:
		return "±0%"
	case percent < 9.95:
		return fmt.Sprintf("%s%.1f%%", sign, percent)
	}
	return fmt.Sprintf("%s%.0f%%", sign, percent)
}

// miss counts a value that is not shown.
func (b *builder) miss(u unit.Name, why string) {
	key := u.Short() + " %s (" + why + ")"
	if b.missing[key] == 0 {
		b.order = append(b.order, key)
	}
	b.missing[key]++
}

// notShown is what is missing, counted by metric and reason; then what failed
// and what was skipped.
func (b *builder) notShown() []string {
	var lines []string
	for _, key := range b.order {
		n := b.missing[key]
		word := "values"
		if n == 1 {
			word = "value"
		}
		lines = append(lines, fmt.Sprintf("%d ", n)+strings.Replace(key, "%s", word, 1))
	}
	lines = append(lines, b.failed...)
	return append(lines, skips(b.run.Env.Skipped)...)
}

// skips says what could not be run, a line a reason: the stacks that it holds
// for, and how many windows of each.
func skips(all []results.Skip) []string {
	var whys []string
	stacks, windows := map[string][]string{}, map[string]int{}
	for _, s := range all {
		why, what := firstLine(s.Why), s.What
		if name, err := results.ParseName(s.What); err == nil {
			what = name.Get(axis.Stack)
		}
		if !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
		if !slices.Contains(stacks[why], what) {
			stacks[why] = append(stacks[why], what)
		}
		windows[why+what]++
	}
	var lines []string
	for _, why := range whys {
		var parts []string
		for _, what := range stacks[why] {
			part := what
			if n := windows[why+what]; n > 1 {
				part += fmt.Sprintf(" (%d windows)", n)
			}
			parts = append(parts, part)
		}
		lines = append(lines, strings.Join(parts, ", ")+": "+why)
	}
	return lines
}

// noteFaults collects why trials failed and why numbers are in doubt.
func (b *builder) noteFaults(byStack []*leaf) {
	for _, l := range byStack {
		if l == nil {
			continue
		}
		for _, t := range l.trials {
			if t.Error != "" {
				b.failed = append(b.failed, fmt.Sprintf("%s, trial %d: %s", where(l.name), t.Trial, firstLine(t.Error)))
			}
			for _, why := range slices.Concat(t.Invalid, t.Doubts) {
				b.doubts = append(b.doubts, fmt.Sprintf("%s, trial %d: %s", where(l.name), t.Trial, firstLine(why.Text)))
			}
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
