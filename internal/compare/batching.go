package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// stages are the parts of a request's way, in its order.
func stages() []string {
	return []string{"client-queue", "network", "queue", "preprocess", "compute", "gather", "postprocess"}
}

// breakdown says where the time of an answer goes, for the block's lightest
// closed load: there, little of it is waiting. A stack's empty cell is a part
// that it does not tell.
func (b *builder) breakdown(w *work, loads []results.Name, columns []axis.Values) []Row {
	i := slices.IndexFunc(loads, func(n results.Name) bool { return n.Get(axis.Load) == axis.Closed })
	if i < 0 {
		return nil
	}
	byStack := w.on(loads[i], columns)
	var rows []Row
	for _, stage := range stages() {
		row := Row{Label: "time at " + label(loads[i]), Unit: stage}
		found := false
		for _, l := range byStack {
			ms, ok := l.stage(stage)
			if ok {
				if why := withdrawn(b.run.Env, l.name, stage); why != "" {
					b.miss(unit.Name(stage), why)
					ok = false
				}
			}
			found = found || ok
			cell := Cell{Text: none}
			if ok {
				cell.Text = unit.Quantity(unit.P50, ms)
			}
			row.Cells = append(row.Cells, cell)
		}
		if found {
			rows = append(rows, row)
		}
	}
	return rows
}

// on gives each column's leaf of a load; nil where it has none.
func (w *work) on(load results.Name, columns []axis.Values) []*leaf {
	byStack := make([]*leaf, len(columns))
	for _, l := range w.leaves {
		if l.load == load {
			byStack[slices.Index(columns, l.column)] = l
		}
	}
	return byStack
}

// stage is the leaf's mean time in a part, in ms, over its trials.
func (l *leaf) stage(name string) (ms float64, ok bool) {
	if l == nil {
		return 0, false
	}
	var values []float64
	for _, t := range l.trials {
		if v, told := t.Stages[name]; told {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return 0, false
	}
	return median(values), true
}

// Curve is how a stack's p99 grew with the rate of requests, up to its knee; or
// how many of its answers came within the limits of generated text as users
// grew.
type Curve struct {
	Work    string // batch_serving · all-minilm-l6-v2 · rest · text
	Stack   string
	Load    string // batch=mixed batcher=32x5ms
	LimitMS float64
	TTFTMS  float64 // limits of generated text; 0 of a knee
	ITLMS   float64
	Knee    string // its highest rate that held; none where there is no answer
	Points  []results.Probe
}

// curves are the searches of a run, by work, load and stack.
func (b *builder) curves() []Curve {
	var out []Curve
	for _, w := range b.works {
		columns := w.columns()
		work, heads := heading(w.key, columns)
		for _, l := range w.leaves {
			c := b.curve(l)
			c.Work, c.Stack = work, heads[slices.Index(columns, l.column)]
			if len(c.Points) > 0 {
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Curve) int {
		return strings.Compare(a.Work+"\x00"+a.Load+"\x00"+a.Stack, b.Work+"\x00"+b.Load+"\x00"+b.Stack)
	})
	return out
}

func (b *builder) curve(l *leaf) Curve {
	c := Curve{Load: label(l.load.With(axis.Load, "")), Knee: none}
	for _, t := range l.trials {
		if t.Knee != nil {
			c.LimitMS, c.TTFTMS, c.ITLMS = t.Knee.LimitMS, t.Knee.TTFTMS, t.Knee.ITLMS
			c.Points = append(c.Points, t.Knee.Probes...)
		}
	}
	if m := b.value(l, c.unit()); m.ok {
		c.Knee = m.text
	}
	slices.SortStableFunc(c.Points, func(a, b results.Probe) int {
		return cmp.Or(cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Users, b.Users))
	})
	return c
}

// points writes a curve: 12.1→34, 15.2→81, 19→412 ✗. What is marked did not hold.
func (c Curve) points() string {
	var parts []string
	for _, p := range c.Points {
		part := c.point(p)
		switch {
		case p.Open || c.unknown(p):
			part += " ?"
		case !p.Holds:
			part += " ✗"
		case p.Why != "":
			part += " !"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func (c Curve) point(p results.Probe) string {
	if p.Users > 0 {
		return fmt.Sprintf("%d→%.0f %%", p.Users, 100*p.Within)
	}
	p99 := "∞"
	switch few := p.Requests < unit.Needs(99); {
	case p.P99MS > 0:
		p99 = unit.Figure(unit.P99, p.P99MS)
	case few && p.Holds:
		p99 = "≤" + unit.Figure(unit.P99, c.LimitMS)
	case few && !p.Open && p.High > 0:
		p99 = ">" + unit.Figure(unit.P99, c.LimitMS)
	case few:
		p99 = "–"
	}
	return unit.Figure(unit.Rps, p.Rate) + "→" + p99
}

// unknown says that a probe had too few requests to be judged by its p99, in runs
// from before its share was.
func (c Curve) unknown(p results.Probe) bool {
	return p.Users == 0 && !p.Holds && p.High == 0 && p.Requests < unit.Needs(99)
}

// unit is what the search sought.
func (c Curve) unit() unit.Name {
	if c.TTFTMS > 0 {
		return unit.Users
	}
	return unit.KneeRps
}

// caption says what the points are.
func (c Curve) caption() string {
	if c.TTFTMS > 0 {
		return fmt.Sprintf("Users: answers within %g ms to the first text and %g ms a token, at rising numbers of users (✗ under 95 %%, ? undecided, ! in doubt)", c.TTFTMS, c.ITLMS)
	}
	return fmt.Sprintf("Knees: p99 in ms at rising rates a second, limit %g ms (✗ over it, ? undecided, ! in doubt)", c.LimitMS)
}

// curvesText writes the curves for a terminal, a line each.
func curvesText(b *strings.Builder, curves []Curve) {
	work := ""
	for _, c := range curves {
		if c.Work != work {
			work = c.Work
			fmt.Fprintf(b, "%s: %s\n", c.caption(), work)
		}
		fmt.Fprintf(b, "  %s  %s  %s %s:  %s\n", c.Stack, c.Load, c.unit(), c.Knee, c.points())
	}
	if len(curves) > 0 {
		b.WriteString("\n")
	}
}

// curvesMarkdown writes the curves for a page, a table a work.
func curvesMarkdown(b *strings.Builder, curves []Curve) {
	work := ""
	for _, c := range curves {
		if c.Work != work {
			if work != "" {
				b.WriteString("\n")
			}
			work = c.Work
			b.WriteString(c.heading())
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", c.Load, c.Stack, c.Knee, c.points())
	}
	if len(curves) > 0 {
		b.WriteString("\n")
	}
}

// heading opens a work's table of curves.
func (c Curve) heading() string {
	if c.TTFTMS > 0 {
		return fmt.Sprintf("**%s**, the most users: first text within %g ms and a token each %g ms, in 95 %% of the answers\n\n| load | stack | `%s` | users → answers within the limits (✗ too few, ? undecided, ! in doubt) |\n|---|---|--:|---|\n", c.Work, c.TTFTMS, c.ITLMS, c.unit())
	}
	return fmt.Sprintf("**%s**, the knee: p99 within %g ms\n\n| load | stack | `%s` | requests a second → p99 in ms (✗ over the limit, ? undecided, ! in doubt) |\n|---|---|--:|---|\n", c.Work, c.LimitMS, c.unit())
}
