package compare

import (
	"fmt"
	"slices"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// facts are the rows below the metrics: whether the answers were right, what
// memory the stacks took and how long they took to start.
func (b *builder) facts(w *work, columns []axis.Values) []Row {
	answers := Row{Label: "answers"}
	memory := Row{Label: "memory, ready"}
	var sums []results.Answers
	for _, c := range columns {
		a := answersOf(w, c)
		sums = append(sums, a)
		answers.Cells = append(answers.Cells, answerCell(a))
		memory.Cells = append(memory.Cells, Cell{Text: footprint(w, c)})
	}
	if all, ok := unanimous(sums); ok {
		answers.Wide = all
	}
	return []Row{answers, memory}
}

func answersOf(w *work, column axis.Values) results.Answers {
	var sum results.Answers
	for _, l := range w.leaves {
		if l.column != column {
			continue
		}
		for _, t := range l.trials {
			sum.Checked += t.Answers.Checked
			sum.Agree += t.Answers.Agree
			sum.Of += t.Answers.Of
			if t.Answers.Rule != "" {
				sum.Rule = t.Answers.Rule
			}
		}
	}
	return sum
}

func answerCell(a results.Answers) Cell {
	if a.Checked == 0 {
		return Cell{Text: none}
	}
	return Cell{Text: fmt.Sprintf("%d of %d agree", a.Agree, a.Checked) + among(a.Of), Doubt: a.Agree != a.Checked}
}

// among says of how many answers some were checked, where the run counted them.
func among(answers int) string {
	if answers == 0 {
		return ""
	}
	return fmt.Sprintf(", of %d answers", answers)
}

// unanimous is the one line that says that all answers of all stacks are right.
func unanimous(sums []results.Answers) (string, bool) {
	total, of := 0, 0
	for _, a := range sums {
		if a.Checked == 0 || a.Agree != a.Checked || a.Rule != sums[0].Rule {
			return "", false
		}
		total += a.Checked
		of += a.Of
	}
	return fmt.Sprintf("%d of %d agree%s (%s)", total, total, among(of), sums[0].Rule), true
}

// footprint is a stack's largest memory and the median time to its first
// correct answer: "412 MB, 2.31 s".
func footprint(w *work, column axis.Values) string {
	var memory, ready []float64
	for _, l := range w.leaves {
		if l.column != column {
			continue
		}
		for _, t := range l.trials {
			if v, ok := t.Metrics[unit.MemMB]; ok {
				memory = append(memory, v)
			}
			if t.Server.ReadyS > 0 {
				ready = append(ready, t.Server.ReadyS)
			}
		}
	}
	mb, s := none, none
	if len(memory) > 0 {
		mb = unit.Quantity(unit.MemMB, slices.Max(memory))
	}
	if len(ready) > 0 {
		s = unit.Quantity(unit.ReadyS, median(ready))
	}
	if mb == none && s == none {
		return none
	}
	return mb + ", " + s
}

// floorRow says what the client itself takes under a load, the same for all
// stacks: a response time that none could be under. None where it was not measured.
func floorRow(byStack []*leaf, load results.Name) []Row {
	var p50, p95 []float64
	for _, l := range byStack {
		if l == nil {
			continue
		}
		for _, t := range l.trials {
			if t.Floor == nil {
				continue
			}
			p50 = append(p50, t.Floor.P50)
			if t.Floor.P95 > 0 {
				p95 = append(p95, t.Floor.P95)
			}
		}
	}
	if len(p50) == 0 {
		return nil
	}
	text := "client floor, in every stack's times: p50 " + unit.Quantity(unit.P50, median(p50))
	if len(p95) > 0 {
		text += ", p95 " + unit.Quantity(unit.P95, median(p95))
	}
	return []Row{{Label: label(load), Cells: make([]Cell, len(byStack)), Wide: text}}
}
