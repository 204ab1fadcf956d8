// Package unit is the one table of what stackbench measures: each unit's name,
// what it means, how it is computed, who reports it, how it is printed and where
// it is shown. Who measures, compares, prints or documents asks the table, and
// names no unit of its own but by the constants here.
package unit

import "slices"

// Name is a unit's name, which in the benchmark stream is the metric's. Streams
// of others hold names that the table does not know.
type Name string

// Better is the direction in which a unit improves.
type Better string

const (
	Lower   Better = "lower"
	Higher  Better = "higher"
	Neither Better = "" // describes the run, judges nothing
)

// Unit is one row of the table.
type Unit struct {
	Name       Name
	Definition string
	Better     Better
	Threshold  float64 // smallest relative change that counts as one
	Measure    Measure
	Where      Where
	Print      Print
	Use        Use
}

// Use says where a unit's values are shown and compared.
type Use struct {
	Rows    Rows     // of a table of stacks
	Glance  int      // its turn in the line of a finished window, which shows the first two that it has; 0: never
	Beside  Searches // the searches beside whose answer it is kept: it can be compared of stacks that are each at their own limit
	Fitness bool     // tells whether a run may be believed, not how a stack did
}

// Searches are names in a fixed number, so that the table is constant and a
// look-up costs no more than a copy of it.
type Searches [2]Name

// Rows is the part of a table of stacks in which a unit has a row.
type Rows string

const (
	NoRows     Rows = ""
	TextRows   Rows = "text"   // of generated text, before its response times
	BatchRows  Rows = "batch"  // of a load with a stated batcher
	DeviceRows Rows = "device" // of GPUs
)

// threshold is the relative change below which two runs are called the same,
// for every unit that states no other.
const threshold = 0.05

// All is the table, in the order in which results are read.
func All() []Unit {
	var all []Unit
	for _, part := range parts() {
		for _, u := range part() {
			all = append(all, u.filled())
		}
	}
	return all
}

func parts() []func() []Unit {
	return []func() []Unit{times, rates, server, sought, resources, fitness}
}

func (u Unit) filled() Unit {
	if u.Threshold == 0 {
		u.Threshold = threshold
	}
	return u
}

// Find is the row of a name; false for the name of another's unit.
func Find(n Name) (Unit, bool) {
	for _, part := range parts() {
		rows := part()
		for i := range rows {
			if rows[i].Name == n {
				return rows[i].filled(), true
			}
		}
	}
	return Unit{Name: n, Print: foreign(n)}, false
}

// names are those of the rows for which a condition holds.
func names(holds func(Unit) bool) []Name {
	var out []Name
	for _, u := range All() {
		if holds(u) {
			out = append(out, u.Name)
		}
	}
	return out
}

// In lists the units of a part of a table of stacks.
func In(r Rows) []Name { return names(func(u Unit) bool { return u.Use.Rows == r }) }

// Kept lists what a search publishes: what it sought, and what can be compared
// beside it.
func Kept(sought Name) []Name {
	return names(func(u Unit) bool { return u.Name == sought || slices.Contains(u.Use.Beside[:], sought) })
}

// Glances lists the units of a finished window's line, by their turns.
func Glances() []Name {
	rows := slices.DeleteFunc(All(), func(u Unit) bool { return u.Use.Glance == 0 })
	slices.SortFunc(rows, func(a, b Unit) int { return a.Use.Glance - b.Use.Glance })
	out := make([]Name, len(rows))
	for i, u := range rows {
		out[i] = u.Name
	}
	return out
}

// Fitness says of a unit that it tells whether a run may be believed.
func (n Name) Fitness() bool {
	u, _ := Find(n)
	return u.Use.Fitness
}

// Restated lists the units each of which, where measured, says the same as this
// one and is compared instead: a time an item is the inverse of a rate, and what
// is counted in requests is as many times what is counted in their items.
func (n Name) Restated() []Name {
	u, _ := Find(n)
	m := u.Measure
	return names(func(o Unit) bool {
		items := m.Item == Requests && o.Measure.Item != Requests
		switch {
		case m.Kind == Inverse:
			return o.Measure.Throughput && o.Measure.Item == m.Item
		case m.Throughput:
			return o.Measure.Throughput && items
		}
		return m.Kind == Cost && o.Measure.Kind == Cost && items
	})
}
