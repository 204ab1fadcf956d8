package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// The least that one trial against one tells, whatever a run's own pairs say: in
// 24 fresh processes of one stack, medians and rates of two differed by up to
// 12 %, p95 by up to 21 %, with nothing changed between them.
const (
	leastFloor     = 0.12
	leastTailFloor = 0.20
	enoughPairs    = 3 // from which on their spread is an estimate
)

// pair is one leaf measured twice in a run, on the same stack: what differs is
// the machine.
type pair struct {
	first, again results.Trial
	name         results.Name
}

// pairsOf finds the leaves that were measured again.
func pairsOf(trials []results.Trial) []pair {
	first := map[results.Done]results.Trial{}
	for _, t := range trials {
		if !t.Again {
			first[results.Done{Name: t.Name, Trial: t.Trial}] = t
		}
	}
	var out []pair
	for _, t := range trials {
		if !t.Again {
			continue
		}
		one, ok := first[results.Done{Name: t.Name, Trial: t.Trial}]
		name, err := results.ParseName(t.Name)
		if ok && err == nil {
			out = append(out, pair{one, t, name})
		}
	}
	return out
}

// ratio is the second measurement over the first; false where either is missing
// or not to be believed, or is nothing that a stack decides.
func (p pair) ratio(u unit.Name) (float64, bool) {
	if p.name.Get(axis.Load) == axis.Open && u.Throughput() {
		return 0, false
	}
	for _, t := range []results.Trial{p.first, p.again} {
		if len(t.Invalid)+len(t.Doubts) > 0 {
			return 0, false
		}
	}
	a, b := p.first.Metrics[u], p.again.Metrics[u]
	return b / a, a > 0 && b > 0
}

// pairUnits are those of a pair that are shown.
func pairUnits() []unit.Name {
	var ranked []unit.Name
	for _, series := range []unit.Series{unit.FirstText, unit.Response} {
		for _, u := range unit.Percentiles(series) {
			ranked = append(ranked, u.Name)
		}
	}
	return append(ranked, unit.Throughputs()...)
}

// noise is what a run's pairs say of the machine.
type noise struct {
	stack        string // that was measured again
	centre, tail []float64
}

func noiseOf(pairs []pair) noise {
	var n noise
	for _, p := range pairs {
		n.stack = p.name.Get(axis.Stack)
		var centre, slow float64
		for _, u := range pairUnits() {
			r, ok := p.ratio(u)
			switch {
			case !ok:
			case u.Tail():
				slow = max(slow, effect(r, 1))
			default:
				centre = max(centre, effect(r, 1))
			}
		}
		if centre > 0 {
			n.centre = append(n.centre, centre)
		}
		if slow > 0 {
			n.tail = append(n.tail, slow)
		}
	}
	return n
}

// floor is the difference under which one trial against one says nothing of a
// unit. A run's pairs can only raise it: few of them that happen to agree do not
// show that a machine is quiet, and few that do not agree show that it is not.
// From three on, it is where 95 % of such differences end (Student's t on their
// spread); of fewer, the largest.
func (n noise) floor(u unit.Name) float64 {
	if u.Tail() {
		return max(leastTailFloor, bound(n.tail))
	}
	return max(leastFloor, bound(n.centre))
}

func bound(differences []float64) float64 {
	if len(differences) == 0 {
		return 0
	}
	if len(differences) < enoughPairs {
		return slices.Max(differences)
	}
	square := 0.0
	for _, d := range differences {
		square += d * d / float64(len(differences))
	}
	return student(len(differences)) * math.Sqrt(square)
}

// pairRows show the pairs of a load, a row for each column that has some:
// "embedded again: p50 +0.6%, rps −1.2%".
func pairRows(pairs []pair, work, load results.Name, columns []axis.Values) []Row {
	_, heads := heading(work, columns)
	var rows []Row
	for i, column := range columns {
		its := slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool {
			key, under := p.name.Split()
			return key != work || under != load || p.name.Column() != column
		})
		if words := changes(its); words != "" {
			rows = append(rows, Row{Label: label(load), Cells: make([]Cell, len(columns)), Wide: heads[i] + " again: " + words})
		}
	}
	return rows
}

// changes are what differs between the two of each pair, the median of several.
func changes(pairs []pair) string {
	var parts []string
	rate := false
	for _, u := range pairUnits() {
		if u.Throughput() && rate { // the others say the same
			continue
		}
		var ratios []float64
		for _, p := range pairs {
			if r, ok := p.ratio(u); ok {
				ratios = append(ratios, r)
			}
		}
		if len(ratios) > 0 {
			parts = append(parts, u.Short()+" "+change(median(ratios)))
			rate = rate || u.Throughput()
		}
	}
	return strings.Join(parts, ", ")
}

// words say by which rule the table calls a value best.
func (n noise) words(trials int) string {
	said := fmt.Sprintf("Best with %s", count(trials, "trial"))
	if tested(trials, trials, 1) {
		return said + fmt.Sprintf(": by a rank test over the trials, corrected for the stacks of the row, and by over %g %%. Level: within that. Undecided: the trials do not tell.", 100*defaultThreshold)
	}
	said += fmt.Sprintf(": intervals of the windows apart, and over the noise floor of %.0f %% in medians and rates, %.0f %% in p95 and p99. Level: within it. Undecided: the windows do not tell. ",
		100*n.floor(unit.P50), 100*n.floor(unit.P95))
	pairs := max(len(n.centre), len(n.tail))
	if pairs == 0 {
		return said + "The floor is that of 24 fresh processes of one stack; this run measured none twice."
	}
	said += fmt.Sprintf("The floor rests on 24 fresh processes of one stack, and on %s of %s with itself here, which differed by up to", count(pairs, "pair"), n.stack)
	var parts []string
	if len(n.centre) > 0 {
		parts = append(parts, fmt.Sprintf(" %.1f %% in medians and rates", 100*slices.Max(n.centre)))
	}
	if len(n.tail) > 0 {
		parts = append(parts, fmt.Sprintf(" %.1f %% in p95 and p99", 100*slices.Max(n.tail)))
	}
	return said + strings.Join(parts, ",") + "."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
