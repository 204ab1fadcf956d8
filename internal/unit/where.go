package unit

import (
	"slices"
	"strings"

	"stackbench/internal/axis"
)

// Group is a group of benchmarks as users write it.
type Group string

const (
	ImageClassification Group = "image_classification"
	Embeddings          Group = "embeddings"
	TextGeneration      Group = "text_generation"
	BatchServing        Group = "batch_serving"
)

// Groups lists those that units name.
func Groups() []Group {
	var all []Group
	for _, u := range All() {
		for _, g := range u.Where.Named() {
			if !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	return all
}

// Condition is what must hold of a leaf for a unit to be reported.
type Condition string

const (
	Always      Condition = ""
	OpenLoop    Condition = "open loop"
	Streamed    Condition = "streams" // answers that come in chunks
	OnGPU       Condition = "GPU"
	SeekingRate Condition = Condition(axis.Load) + "=" + axis.Knee
	SeekingMost Condition = Condition(axis.Load) + "=" + axis.Users
)

// Of are some groups; none: all.
type Of [6]Group

// Where says which leaves may report a unit.
type Where struct {
	Groups Of
	If     Condition
}

// Leaf is what decides of a measured leaf which units it may report.
type Leaf struct {
	Group  Group
	Holds  []Condition
	Sought Name // by its search; "" of a plain window
}

// On says whether a leaf may report the unit.
func (u Unit) On(l Leaf) bool {
	if some := u.Where.Named(); len(some) > 0 && !slices.Contains(some, l.Group) {
		return false
	}
	if u.Where.If != Always && !slices.Contains(l.Holds, u.Where.If) {
		return false
	}
	return l.Sought == "" && u.Measure.Kind != Sought || l.Sought == u.Name || l.Sought != "" && slices.Contains(u.Use.Beside[:], l.Sought)
}

// Named lists the groups; none: all.
func (w Where) Named() []Group {
	return slices.DeleteFunc(slices.Clone(w.Groups[:]), func(g Group) bool { return g == "" })
}

// words are what the page of units says.
func (w Where) words() string {
	out := "all"
	var groups []string
	for _, g := range w.Named() {
		groups = append(groups, string(g))
	}
	if len(groups) > 0 {
		out = strings.Join(groups, ", ")
	}
	if w.If == Always {
		return out
	}
	return out + " (" + string(w.If) + ")"
}
