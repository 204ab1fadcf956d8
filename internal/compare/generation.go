package compare

import (
	"fmt"
	"slices"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// views sets what servers count of their own texts beside ours, for the block's
// heaviest closed load: 1 means that they agree, and where they do not, it is
// the way between them that differs, or one of the two is wrong.
func views(w *work, loads []results.Name, columns []axis.Values) []Row {
	at := -1
	for i, n := range loads {
		if users := n.Number(axis.Conc); users > 0 && (at < 0 || users >= loads[at].Number(axis.Conc)) {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	byStack := w.on(loads[at], columns)
	var rows []Row
	for _, what := range []string{"ttft-mean-ms", "itl-mean-ms", "e2e-mean-ms", string(unit.TokPerS)} {
		row := Row{Label: "server's own ÷ ours at " + label(loads[at]), Unit: what}
		found := false
		for _, l := range byStack {
			cell := Cell{Text: none}
			if ratio, ok := l.view(what); ok {
				found, cell.Text = true, fmt.Sprintf("%.3f", ratio)
			}
			row.Cells = append(row.Cells, cell)
		}
		if found {
			rows = append(rows, row)
		}
	}
	return rows
}

// view is the server's figure over ours, the median of the trials.
func (l *leaf) view(what string) (ratio float64, ok bool) {
	if l == nil {
		return 0, false
	}
	var values []float64
	for _, t := range l.trials {
		i := slices.IndexFunc(t.Views, func(v results.View) bool { return v.What == what })
		if i >= 0 && t.Views[i].Client > 0 {
			values = append(values, t.Views[i].Server/t.Views[i].Client)
		}
	}
	if len(values) == 0 {
		return 0, false
	}
	return median(values), true
}
