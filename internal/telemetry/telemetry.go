// Package telemetry reads what serving stacks tell of their own work: how they
// batched, who waits, where the time of a request went. Each stack tells in its
// own form; here all become one, in which what a stack does not tell is blank.
package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/http1"
)

// Reading is one reading of a server's counters: sums since its start.
type Reading struct {
	Batches    *Batches
	Stages     map[string]Sum // by name of a stage, over requests; only those that are told
	Answered   *Answered      // nil: not told
	Generation *Generation    // of servers that generate text, as far as they tell
	Workers    string         // the processes that compute, where the server starts one that died again; "" when not told
}

// Batches counts the executions of a model.
type Batches struct {
	Runs  float64  // executions
	Items float64  // images or texts in them
	Sizes []Bucket // executions by their size, where that is told; by rising bound
}

// Bucket counts the executions of at most Bound items that the bucket before
// did not: a size, where the server tells sizes one by one.
type Bucket struct {
	Bound float64
	Runs  float64
}

// Sum adds up times: of one stage of requests, say.
type Sum struct {
	Count   float64 // times that were added
	Seconds float64
}

// Mean is 0 where there is none.
func (s Sum) Mean() time.Duration {
	if s.Count == 0 {
		return 0
	}
	return time.Duration(math.Round(s.Seconds / s.Count * float64(time.Second)))
}

// since is what was added; before is the zero value where there was none.
func (s Sum) since(before Sum) (Sum, error) {
	d := Sum{s.Count - before.Count, s.Seconds - before.Seconds}
	if d.Count < 0 || d.Seconds < 0 {
		return Sum{}, errBackwards
	}
	return d, nil
}

// The stages of a request inside a server, in the order in which it passes
// them. A stage is the time of one request, not of one execution: requests that
// were computed together have each waited for the whole of it.
const (
	Queue       = "queue"
	Preprocess  = "preprocess" // or tokenise
	Compute     = "compute"
	Gather      = "gather" // of a request with several texts: one is done, and waits for the others
	Postprocess = "postprocess"
)

// Stages lists them.
func Stages() []string { return []string{Queue, Preprocess, Compute, Gather, Postprocess} }

// Work is what a server did between two readings.
type Work struct {
	Batches    *Batches // nil: not told
	Stages     []Stage  // only those that are told, once a request
	Generation *Generation
	Restarted  bool // a process that computes died, and is down or was started again
}

// Stage is the mean time of a request in one part of the server.
type Stage struct {
	Name string
	Mean time.Duration
}

// errBackwards is of a counter that fell, which it does only with its server.
var errBackwards = errors.New("a counter went backwards: was the server restarted?")

// Since is what the server did after an earlier reading. A series that the
// earlier one lacks began at zero.
func (r Reading) Since(before Reading) (Work, error) {
	w := Work{Restarted: r.Workers != before.Workers && before.Workers != ""}
	if r.Batches != nil {
		b, err := r.Batches.since(before.Batches)
		if err != nil {
			return Work{}, fmt.Errorf("executions: %w", err)
		}
		w.Batches = &b
	}
	requests, err := r.Answered.since(before.Answered)
	if err != nil {
		return Work{}, fmt.Errorf("requests: %w", err)
	}
	for _, name := range Stages() {
		now, told := r.Stages[name]
		if !told {
			continue
		}
		d, err := now.since(before.Stages[name])
		if err != nil {
			return Work{}, fmt.Errorf("%s time: %w", name, err)
		}
		if d.Count > 0 && requests.each(d.Count) {
			w.Stages = append(w.Stages, Stage{name, d.Mean()})
		}
	}
	w.Generation, err = r.Generation.since(before.Generation)
	return w, err
}

func (b Batches) since(before *Batches) (Batches, error) {
	if before == nil {
		before = &Batches{}
	}
	d := Batches{Runs: b.Runs - before.Runs, Items: b.Items - before.Items}
	if d.Runs < 0 || d.Items < 0 {
		return Batches{}, errBackwards
	}
	for _, size := range b.Sizes {
		i := slices.IndexFunc(before.Sizes, func(old Bucket) bool { return old.Bound == size.Bound })
		if i >= 0 {
			size.Runs -= before.Sizes[i].Runs
		}
		switch {
		case size.Runs < 0:
			return Batches{}, errBackwards
		case size.Runs > 0:
			d.Sizes = append(d.Sizes, size)
		}
	}
	return d, nil
}

// Largest is the size of the largest batch, or the bound under which it is;
// 0 when that is not told.
func (b Batches) Largest() int {
	if len(b.Sizes) == 0 {
		return 0
	}
	last := b.Sizes[len(b.Sizes)-1].Bound
	if last > math.MaxInt32 { // infinite, too
		return 0
	}
	return int(last)
}

// Source reads one server that serves one model.
type Source struct {
	Kind  stack.Telemetry
	At    stack.Endpoint
	Model string // as the catalogue names it
	Texts bool   // the work is generated text
	Input stack.Input
	Items float64 // that a request carries, on average; 0 means 1
	Mixed bool    // requests differ in how many they carry

	Underway int // requests that clients have under way at a time, at most
}

// requests is how many requests so many waiting texts are, of a server that
// counts texts. Where requests differ nobody can say: the large ones wait
// longest, and divided by the mean there would be more than were ever sent.
func (s Source) requests(texts float64) (float64, error) {
	if s.Mixed {
		return 0, ErrSilent
	}
	return texts / cmp.Or(s.Items, 1), nil
}

// ErrSilent is of a stack that does not tell what was asked for.
var ErrSilent = errors.New("the stack does not tell")

// Gauges is the requests in a server now.
type Gauges struct {
	Waiting float64
	Running float64 // that are computed together; 0 when it does not tell
}

// waiting reads a crowd of which only those that wait are told.
func waiting(read func([]byte, Source) (float64, error)) func([]byte, Source) (Gauges, error) {
	return func(text []byte, s Source) (Gauges, error) {
		n, err := read(text, s)
		return Gauges{Waiting: n}, err
	}
}

// get fetches a page of at most a few kilobytes from a server at host:port.
func get(ctx context.Context, addr, path string) ([]byte, error) {
	if addr == "" {
		return nil, ErrSilent
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	reply := http1.Fetch(ctx, addr, http1.Request{Method: "GET", Path: path})
	if reply.Outcome != record.Good {
		return nil, fmt.Errorf("read the server's own counters at %s: %s: %w", path, reply.Outcome, reply.Err)
	}
	return reply.Body, nil
}
