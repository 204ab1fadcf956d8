// Package suite says what is asked: groups of cases, loads, profiles and the
// settings of a run. It is data: it knows stacks, and nothing that measures.
package suite

import (
	"slices"
	"time"

	"stackbench/internal/stack"
)

// Group is one question that the benchmarks ask of every stack.
type Group struct {
	Name   string // as people and results write it: image_classification
	Title  string // as Go writes it after Benchmark: ImageClassification
	Cases  []Case
	Tokens int   // bucket of the texts; 0 means 64
	Sizes  []int // items of the requests of Mixed cases, drawn from at random

	Limits Limits // of generated text

	// Footprint chooses the cases before which mem-per-1k-emb-MB is measured; nil: none.
	Footprint func(Case) bool

	// Two stacks that help to measure and are never measured themselves.
	Reference stack.Stack // whose answers stand in where no golden ones are of the served weights
	Null      stack.Stack // answers at once, with nothing behind it: the client's own floor
}

// Limits are what a reader of generated text accepts: an answer within them is
// a good one, and as many users as get such answers can be served.
type Limits struct {
	TTFT time.Duration // to the first text
	ITL  time.Duration // from token to token, in the mean of an answer
}

// In gives the cases that the profile measures.
func (g Group) In(p Profile) []Case {
	var out []Case
	for _, c := range g.Cases {
		if c.From <= p {
			out = append(out, c)
		}
	}
	return out
}

// Only leaves the cases that were asked for.
func (g Group) Only(o Only) Group {
	g.Cases = slices.DeleteFunc(slices.Clone(g.Cases), func(c Case) bool {
		return c.From > o.Leaves || len(o.Models) > 0 && !slices.Contains(o.Models, c.Model)
	})
	return g
}

// Models lists the models of the profile's cases, each once, in order.
func (g Group) Models(p Profile) []string {
	var out []string
	for _, c := range g.In(p) {
		if !slices.Contains(out, c.Model) {
			out = append(out, c.Model)
		}
	}
	return out
}

// Has says whether cases hold one of the same leaf name as c.
func Has(cases []Case, c Case) bool {
	return slices.ContainsFunc(cases, func(x Case) bool {
		x.From = c.From
		return x == c
	})
}
