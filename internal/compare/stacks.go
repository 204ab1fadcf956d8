// Package compare says which of two is better, and when that cannot be said:
// the stacks of one run side by side, and one run against another.
package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"stackbench/internal/results"
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
	Stacks []string // the columns
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

// latencies are the units that every row of a load starts with; then follows
// the first of rates that was measured.
func latencies() []string { return []string{"p50-ms", "p95-ms", "p99-ms"} }

func rates() []string { return []string{"img/s", "emb/s", "tok/s", "rps"} }

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
	trials []results.Trial
}

// work is the leaves of one block.
type work struct {
	key    results.Name // without stack and load
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
	judged  int      // most trials of a row of which something was said
	bare    []string // units that are undecided because single trials give no interval of them
}

func (b *builder) add(name results.Name, t results.Trial) {
	key, _ := name.Split()
	i := slices.IndexFunc(b.works, func(w *work) bool { return w.key == key })
	if i < 0 {
		i = len(b.works)
		b.works = append(b.works, &work{key: key})
	}
	w := b.works[i]
	j := slices.IndexFunc(w.leaves, func(l *leaf) bool { return l.name == name })
	if j < 0 {
		j = len(w.leaves)
		w.leaves = append(w.leaves, &leaf{name: name})
	}
	w.leaves[j].trials = append(w.leaves[j].trials, t)
}

func (b *builder) block(w *work) Block {
	out := Block{Title: title(w.key)}
	var loads []results.Name
	for _, l := range w.leaves {
		if !slices.Contains(out.Stacks, l.name.Stack) {
			out.Stacks = append(out.Stacks, l.name.Stack)
		}
		_, load := l.name.Split()
		if !slices.Contains(loads, load) {
			loads = append(loads, load)
		}
	}
	slices.Sort(out.Stacks) // trials are shuffled, so the order of appearance says nothing
	slices.SortFunc(loads, func(a, b results.Name) int {
		return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(searches(a), searches(b)), cmp.Compare(a.Rate, b.Rate),
			cmp.Compare(a.Conc, b.Conc), natural(a.Batcher, b.Batcher))
	})
	for _, load := range loads {
		out.Rows = append(out.Rows, b.rows(w, load, out.Stacks)...)
	}
	out.Rows = append(out.Rows, b.breakdown(w, loads, out.Stacks)...)
	out.Rows = append(out.Rows, views(w, loads, out.Stacks)...)
	out.Rows = append(out.Rows, b.facts(w, out.Stacks)...)
	return out
}

func title(key results.Name) string {
	parts := []string{key.GroupTitle(), key.Model}
	for _, p := range []string{key.Precision, key.Proto, key.Input} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if key.Tokens != "" {
		parts = append(parts, key.Tokens+" tokens")
	}
	if key.Prefix != "" {
		parts = append(parts, key.Prefix+" prefix")
	}
	return strings.Join(parts, " · ")
}

// rows are the metrics of one load.
func (b *builder) rows(w *work, load results.Name, stacks []string) []Row {
	byStack := w.on(load, stacks)
	b.noteFaults(byStack, load)
	var rows []Row
	first := latencies()
	switch {
	case load.Knee:
		first = []string{"knee-rps"}
	case load.Users:
		first = []string{"users"}
	case w.key.Tokens != "":
		first = slices.Concat(textUnits(), first)
	}
	for _, unit := range first {
		rows = append(rows, b.row(byStack, load, unit)...)
	}
	for _, unit := range rates() {
		if found := b.row(byStack, load, unit); found != nil {
			rows = append(rows, found...)
			break
		}
	}
	if load.Batcher != "" {
		for _, unit := range batchUnits() {
			rows = append(rows, b.row(byStack, load, unit)...)
		}
	}
	rows = slices.Concat(rows, b.gpuRows(byStack, load), floorRow(byStack, load))
	return append(rows, pairRow(b.pairs, w.key, load, len(stacks))...)
}

// row is one metric of one load, or nothing when no stack has it.
func (b *builder) row(byStack []*leaf, load results.Name, unit string) []Row {
	values := make([]measured, len(byStack))
	found := false
	for i, l := range byStack {
		values[i] = b.value(l, unit)
		found = found || values[i].ok
	}
	for _, v := range values {
		if v.withheld != "" {
			b.miss(unit, v.withheld)
		}
	}
	if !found {
		return nil
	}
	return []Row{{Label: label(load), Unit: unit, Cells: b.judge(values, load, unit)}}
}

// judge fills a row's cells. The rate of an open loop is what was offered, and a
// figure beside a search's own was taken at each stack's own load: neither says
// which is better.
func (b *builder) judge(values []measured, load results.Name, unit string) []Cell {
	better := b.run.Units[unit].Better
	offered := load.Rate > 0 && slices.Contains(rates(), unit)
	if beside := searches(load) > 0 && unit != "users" && unit != "knee-rps"; offered || beside {
		better = 0
	}
	c := contest{threshold: b.run.Units[unit].Threshold, floor: b.noise.floor(unit)}
	if c.threshold == 0 {
		c.threshold = defaultThreshold
	}
	cells := c.judge(values, better)
	if slices.ContainsFunc(cells, func(c Cell) bool { return c.Remark != "" }) {
		for _, v := range values {
			b.judged = max(b.judged, len(v.trials))
		}
		if bare(values, cells, load, unit) && !slices.Contains(b.bare, unit) {
			b.bare = append(b.bare, unit)
		}
	}
	return cells
}

// label names a load in a few words: batch=1 conc=8.
func label(load results.Name) string {
	var parts []string
	switch {
	case load.Batch == results.Mixed:
		parts = append(parts, "batch=mixed")
	case load.Batch > 0:
		parts = append(parts, fmt.Sprintf("batch=%d", load.Batch))
	}
	if load.Batcher != "" {
		parts = append(parts, "batcher="+load.Batcher)
	}
	switch {
	case load.Knee:
		parts = append(parts, "knee")
	case load.Users:
		parts = append(parts, "users")
	case load.Rate > 0:
		parts = append(parts, fmt.Sprintf("rate=%d", load.Rate))
	default:
		parts = append(parts, fmt.Sprintf("conc=%d", load.Conc))
	}
	return strings.Join(parts, " ")
}

// searches sorts searches behind windows.
func searches(load results.Name) int {
	if load.Knee || load.Users {
		return 1
	}
	return 0
}

// natural orders batcher settings as a reader counts: off first, then by their
// numbers.
func natural(a, b string) int {
	off := func(s string) int {
		if s == "off" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(off(a), off(b)), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
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
