package compare

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"stackbench/internal/axis"
	"stackbench/internal/hist"
	"stackbench/internal/results"
)

// CDF is how the times of a run's requests are distributed, added up over the
// trials of each leaf from their histograms.
type CDF struct {
	Leaves  []Spread
	Missing []string // what has no histogram, and why
}

// Spread is one work under one load: a column a stack.
type Spread struct {
	Title   string // embeddings · minilm · rest · text · batch=1 conc=8
	Tag     string // response or service
	Columns []Column
	key     [2]results.Name // work and load
}

// Column is one stack's times.
type Column struct {
	Stack  string
	Name   string // of the leaf
	Trials int
	Failed int  // requests without a good answer: above all times
	Doubt  bool // a trial of it is invalid or in doubt
	times  *hist.Distribution
	key    axis.Values
}

// Step is a share of the requests, 1 − 1/Inverse. Inverse 0 stands for all of them.
type Step struct{ Inverse int64 }

// Percent is the share.
func (s Step) Percent() float64 {
	if s.Inverse == 0 {
		return 100
	}
	return 100 - 100/float64(s.Inverse)
}

// Value is the time in ms that at least that share of the requests does not
// exceed. It is not known where there are fewer requests than Inverse (none of
// them shows it), and there is none where it falls on a failed one.
func (c Column) Value(s Step) (ms float64, known, failed bool) {
	n := c.Requests()
	if n == 0 || s.Inverse > n {
		return 0, false, false
	}
	rank := n
	if s.Inverse > 0 {
		rank = max(n-n/s.Inverse, 1)
	}
	if rank > c.times.Count() {
		return 0, true, true
	}
	return float64(c.times.Rank(rank)) / 1e6, true, false
}

// Requests are those with a time and those that failed.
func (c Column) Requests() int64 { return c.times.Count() + int64(c.Failed) }

// Steps halve what is left above them until no column has so many requests.
func (s Spread) Steps() []Step {
	var out []Step
	var most int64
	for _, c := range s.Columns {
		most = max(most, c.Requests())
	}
	for inverse := int64(1); inverse <= most; inverse *= 2 {
		out = append(out, Step{inverse})
	}
	return append(out, Step{})
}

// NoHistograms says that a run keeps none.
type NoHistograms struct{ Dir string }

func (n *NoHistograms) Error() string {
	return n.Dir + " keeps no histograms: it was recorded before there were any, or nothing in it was measured\nmeasure again with: go tool stackbench run"
}

// Distributions reads the histograms of a run.
func Distributions(run *results.Run) (*CDF, error) {
	b := spreads{missing: map[string]int{}}
	for _, t := range run.Trials {
		if t.Error != "" || len(t.Metrics) == 0 {
			continue
		}
		if err := b.add(run.Dir, t); err != nil {
			return nil, err
		}
	}
	if len(b.all) == 0 {
		return nil, &NoHistograms{run.Dir}
	}
	out := &CDF{Leaves: b.all}
	for i := range out.Leaves {
		out.Leaves[i].head()
	}
	for _, why := range b.order {
		out.Missing = append(out.Missing, fmt.Sprintf("%d trials without histograms: %s", b.missing[why], why))
	}
	return out, nil
}

// spreads collects distributions in the order of the trials.
type spreads struct {
	all     []Spread
	missing map[string]int
	order   []string
}

func (b *spreads) add(dir string, t results.Trial) error {
	name, err := results.ParseName(t.Name)
	if err != nil {
		return fmt.Errorf("distributions: %w", err)
	}
	f, err := os.Open(results.HistFile(dir, t.Name, t.Trial))
	if errors.Is(err, fs.ErrNotExist) {
		b.lack("they have no file")
		return nil
	}
	if err != nil {
		return fmt.Errorf("distributions: %w", err)
	}
	defer f.Close()
	tags, err := hist.Read(f)
	if err != nil {
		b.lack(err.Error())
		return nil
	}
	for _, tag := range []string{hist.Response, hist.Service} {
		if d := tags[tag]; d != nil {
			b.column(name, tag, t).times.Add(d)
		}
	}
	return nil
}

func (b *spreads) lack(why string) {
	if b.missing[why] == 0 {
		b.order = append(b.order, why)
	}
	b.missing[why]++
}

// column finds or begins the one of the name's stack, and counts the trial in.
func (b *spreads) column(name results.Name, tag string, t results.Trial) *Column {
	work, load := name.Split()
	key := [2]results.Name{work, load}
	i := slices.IndexFunc(b.all, func(s Spread) bool { return s.key == key && s.Tag == tag })
	if i < 0 {
		i = len(b.all)
		b.all = append(b.all, Spread{Tag: tag, key: key})
	}
	s := &b.all[i]
	j := slices.IndexFunc(s.Columns, func(c Column) bool { return c.key == name.Column() })
	if j < 0 {
		j = len(s.Columns)
		s.Columns = append(s.Columns, Column{Name: t.Name, times: hist.New(), key: name.Column()})
	}
	c := &s.Columns[j]
	c.Trials++
	c.Failed += t.Failures()
	c.Doubt = c.Doubt || len(t.Invalid) > 0 || len(t.Doubts) > 0
	return c
}

// head sorts the columns, and says what they are of.
func (s *Spread) head() {
	slices.SortFunc(s.Columns, func(a, b Column) int { return byAxis(axis.Column)(a.key, b.key) })
	var columns []axis.Values
	for _, c := range s.Columns {
		columns = append(columns, c.key)
	}
	work, heads := heading(s.key[0], columns)
	s.Title = work + " · " + label(s.key[1])
	for i := range s.Columns {
		s.Columns[i].Stack = heads[i]
	}
}
