// Package compare says which of two is better, and when that cannot be said:
// the stacks of one run side by side, and one run against another.
package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// Table is the stacks of a run side by side.
type Table struct {
	Blocks     []Block
	Curves     []Curve  // of the searches for a knee, or for users
	Missing    []string // what is not shown, and why: one line a reason
	Doubts     []string // why a number marked with ! must not be believed
	Conditions []string // what all numbers are true for
}

// Block is one workload: a model, a transport and a form of input.
type Block struct {
	Title  string   // image_classification · resnet50 · rest · jpeg
	Stacks []string // the columns: a stack each, and what else differs between them
	Rows   []Row
}

// Row is one metric under one load; or, without a unit, a fact of each stack.
type Row struct {
	Label string // batch=1 conc=8
	Unit  string
	Cells []Cell // one a stack
	Wide  string // instead of cells: what holds for all stacks alike
}

// Cell is what a row says of a stack.
type Cell struct {
	Text   string // "" when there is none
	Remark string // best, or how far from the leader and whether that counts: (+23%), (+3.1%, level)
	Doubt  bool   // the number is invalid; the table's Doubts say why
}

// none stands for a cell without a value.
const none = "–"

// Stacks makes the table of a run, for people: latencies and throughput, the
// verdict on the answers, memory and start. Of several trials it shows medians,
// and percentiles of their pooled requests.
func Stacks(run *results.Run) (*Table, error) {
	b := &builder{run: run, missing: map[string]int{}, pairs: pairsOf(run.Trials)}
	b.noise = noiseOf(b.pairs)
	for _, t := range run.Trials {
		if t.Again {
			continue
		}
		name, err := results.ParseName(t.Name)
		if err != nil {
			return nil, fmt.Errorf("compare stacks: %w", err)
		}
		b.add(name, t)
	}
	table := &Table{Conditions: slices.Concat(conditions(run.Env, longest(run.Trials)), gpuConditions(run.Trials))}
	for _, w := range b.works {
		table.Blocks = append(table.Blocks, b.block(w))
	}
	table.Curves = b.curves()
	table.Missing = b.notShown()
	table.Doubts = b.doubts
	if b.judged > 0 {
		table.Conditions = append(table.Conditions, b.noise.words(b.judged))
		if len(b.bare) > 0 {
			table.Conditions = append(table.Conditions, noInterval(b.bare))
		}
	}
	return table, nil
}

// leaf is one benchmark with its trials, failed ones included.
type leaf struct {
	name   results.Name
	load   results.Name
	column axis.Values
	trials []results.Trial
}

// work is the leaves of one block.
type work struct {
	key    results.Name // without column and load
	leaves []*leaf
}

type builder struct {
	run     *results.Run
	works   []*work
	missing map[string]int // "p99 values (fewer than 662 requests)" → how many
	order   []string       // of missing, by first appearance
	failed  []string
	doubts  []string
	pairs   []pair
	noise   noise
	judged  int         // most trials of a row of which something was said
	bare    []unit.Name // units that are undecided because single trials give no interval of them
}

func (b *builder) add(name results.Name, t results.Trial) {
	key, load := name.Split()
	i := slices.IndexFunc(b.works, func(w *work) bool { return w.key == key })
	if i < 0 {
		i = len(b.works)
		b.works = append(b.works, &work{key: key})
	}
	w := b.works[i]
	j := slices.IndexFunc(w.leaves, func(l *leaf) bool { return l.name == name })
	if j < 0 {
		j = len(w.leaves)
		w.leaves = append(w.leaves, &leaf{name: name, load: load, column: name.Column()})
	}
	w.leaves[j].trials = append(w.leaves[j].trials, t)
}

func (b *builder) block(w *work) Block {
	columns, loads := w.columns(), w.loads()
	out := Block{}
	out.Title, out.Stacks = heading(w.key, columns)
	for _, load := range loads {
		out.Rows = append(out.Rows, b.rows(w, load, columns)...)
	}
	out.Rows = append(out.Rows, b.breakdown(w, loads, columns)...)
	out.Rows = append(out.Rows, views(w, loads, columns)...)
	out.Rows = append(out.Rows, b.facts(w, columns)...)
	return out
}

// rows are the metrics of one load.
func (b *builder) rows(w *work, load results.Name, columns []axis.Values) []Row {
	byStack := w.on(load, columns)
	b.noteFaults(byStack)
	var rows []Row
	first := unit.Latencies()
	switch {
	case load.Get(axis.Load) == axis.Knee:
		first = []unit.Name{unit.KneeRps}
	case load.Get(axis.Load) == axis.Users:
		first = []unit.Name{unit.Users}
	case w.key.Get(axis.Tokens) != "":
		first = slices.Concat(unit.In(unit.TextRows), first)
	}
	for _, u := range first {
		rows = append(rows, b.row(byStack, load, u)...)
	}
	for _, u := range unit.Throughputs() {
		if found := b.row(byStack, load, u); found != nil {
			rows = append(rows, found...)
			break
		}
	}
	if load.Get(axis.Batcher) != "" {
		for _, u := range unit.In(unit.BatchRows) {
			rows = append(rows, b.row(byStack, load, u)...)
		}
	}
	rows = slices.Concat(rows, b.gpuRows(byStack, load), floorRow(byStack, load))
	return append(rows, pairRows(b.pairs, w.key, load, columns)...)
}

// row is one metric of one load, or nothing when no stack has it.
func (b *builder) row(byStack []*leaf, load results.Name, u unit.Name) []Row {
	values := make([]measured, len(byStack))
	found := false
	for i, l := range byStack {
		values[i] = b.value(l, u)
		found = found || values[i].ok
	}
	for _, v := range values {
		if v.withheld != "" {
			b.miss(u, v.withheld)
		}
	}
	if !found {
		return nil
	}
	return []Row{{Label: label(load), Unit: string(u), Cells: b.judge(values, load, u)}}
}

// judge fills a row's cells. The rate of an open loop is what was offered, and a
// figure beside a search's own was taken at each stack's own load: neither says
// which is better.
func (b *builder) judge(values []measured, load results.Name, u unit.Name) []Cell {
	better := b.run.Units[u].Better
	offered := load.Get(axis.Load) == axis.Open && u.Throughput()
	if beside := searches(load) && !u.Sought(); offered || beside {
		better = 0
	}
	c := contest{threshold: b.run.Units[u].Threshold, floor: b.noise.floor(u)}
	if c.threshold == 0 {
		c.threshold = defaultThreshold
	}
	cells := c.judge(values, better)
	if slices.ContainsFunc(cells, func(c Cell) bool { return c.Remark != "" }) {
		for _, v := range values {
			b.judged = max(b.judged, len(v.trials))
		}
		if bare(values, cells, load, u) && !slices.Contains(b.bare, u) {
			b.bare = append(b.bare, u)
		}
	}
	return cells
}

// longest is the longest window of the trials: texts that take long make theirs
// longer than the profile's.
func longest(trials []results.Trial) time.Duration {
	var seconds float64
	for _, t := range trials {
		seconds = max(seconds, t.Seconds)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}

func conditions(e results.Env, longest time.Duration) []string {
	trials := "1 trial"
	if e.Plan.Trials != 1 {
		trials = fmt.Sprintf("%d trials", e.Plan.Trials)
	}
	windows := e.Plan.Window
	if least, err := time.ParseDuration(windows); err == nil && longest > least+least/4 {
		windows += " (up to " + longest.String() + " for searches and long answers)"
	}
	lines := []string{fmt.Sprintf("Measured on %s; profile %s, windows of %s, %s.", e.Hardware(), e.Plan.Profile, windows, trials)}
	if len(e.Models) > 0 {
		var weights []string
		for _, m := range e.Models {
			weights = append(weights, m.Model+" "+m.Source)
		}
		lines[0] += " Weights: " + strings.Join(weights, ", ") + "."
	}
	if e.Plan.Profile == "quick" {
		lines = append(lines, "Quick profile: indications, not evidence; for evidence: make bench PROFILE=standard")
	}
	return lines
}
