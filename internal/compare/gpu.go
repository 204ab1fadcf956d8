package compare

import (
	"fmt"
	"slices"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// gpuRows are what a load took of the GPUs; none where no stack had one. Power
// and the activity of the multiprocessors describe, and are not ranked.
func (b *builder) gpuRows(byStack []*leaf, load results.Name) []Row {
	var rows []Row
	for _, u := range unit.In(unit.DeviceRows) {
		rows = append(rows, b.row(byStack, load, u)...)
	}
	if n := len(rows); n >= 2 && restates(rows[n-1], rows[n-2]) {
		rows = rows[:n-1]
	}
	rows = slices.Concat(
		rows,
		cardRow(byStack, load, "gpu-W", func(c results.Cards) *float64 { return c.Watts }),
		cardRow(byStack, load, "gpu-SM-%", func(c results.Cards) *float64 { return c.SMPercent }),
	)
	return rows
}

// restates says that an item's energy is an answer's: each carried one.
func restates(item, answer Row) bool {
	if item.Unit != string(unit.JPerItem) || answer.Unit != string(unit.JPerAnswer) {
		return false
	}
	return slices.EqualFunc(item.Cells, answer.Cells, func(a, b Cell) bool { return a.Text == b.Text })
}

// cardRow is a figure that trials keep of their GPUs, the median of the trials;
// no row where no stack has it.
func cardRow(byStack []*leaf, load results.Name, figure string, of func(results.Cards) *float64) []Row {
	row := Row{Label: label(load), Unit: figure}
	found := false
	for _, l := range byStack {
		v, doubt := l.card(of)
		cell := Cell{Text: none}
		if v != nil {
			found, cell = true, Cell{Text: unit.Significant(*v), Doubt: doubt}
		}
		row.Cells = append(row.Cells, cell)
	}
	if !found {
		return nil
	}
	return []Row{row}
}

// card is the median over the leaf's trials, nil where none has the figure.
func (l *leaf) card(of func(results.Cards) *float64) (v *float64, doubt bool) {
	if l == nil {
		return nil, false
	}
	var values []float64
	for _, t := range l.trials {
		if t.GPU == nil || len(t.Metrics) == 0 { // withheld with all else
			continue
		}
		if told := of(*t.GPU); told != nil {
			values, doubt = append(values, *told), doubt || len(t.Invalid)+len(t.Doubts) > 0
		}
	}
	if len(values) == 0 {
		return nil, false
	}
	m := median(values)
	return &m, doubt
}

// gpuConditions are what a reader of the GPU rows must know: what the figures
// mean, what the cards draw when nothing runs, and what the driver does not tell.
func gpuConditions(trials []results.Trial) []string {
	var idle []float64
	var notes []string
	cards := 0
	for _, t := range trials {
		if t.GPU == nil {
			continue
		}
		cards = max(cards, t.GPU.Count)
		if t.GPU.IdleWatts != nil {
			idle = append(idle, *t.GPU.IdleWatts)
		}
		name, err := results.ParseName(t.Name)
		for _, note := range t.GPU.Notes {
			if err == nil {
				note = name.Get(axis.Stack) + ": " + note
			}
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	if cards == 0 {
		return nil
	}
	line := "GPU: gpu-util is the time in which a kernel was resident: busyness, not efficiency; power and energy are whole cards', idle power included"
	if len(idle) > 0 {
		line += fmt.Sprintf(" (%s W when nothing was started)", unit.Significant(median(idle)))
	}
	lines := []string{line + "."}
	for _, note := range notes {
		lines = append(lines, "GPU, "+note+".")
	}
	return lines
}
