// Package task knows the kinds of work: what requests carry, in which contract
// they are sent and their answers read, and what an answer is held against. A new
// kind of work is a file here and a line in its tables.
package task

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/tokenizer"
	"stackbench/internal/workload"
)

// Served is a model that is ready to be served, with what requests and judges must
// know of it.
type Served struct {
	stack.Model
	Source    string // hub, package or seeded
	Detail    string // where the weights came from, in words
	SHA256    string
	Norm      workload.Normalisation // of image models
	Tokenizer *tokenizer.Tokenizer   // of text models
	Width     int                    // values of one answer: classes, or the embedding's length
}

// Width is how many values one answer of a model has: the last dimension of its graph's
// first output. A model that does not say so is an error.
func Width(m stack.Model) (int, error) {
	g, ok := m.Graph(stack.Whole, stack.FP32)
	if !ok || len(g.Outputs) == 0 {
		return 0, fmt.Errorf("the model has no graph %q in %s with an output\nsay in its description what it answers with", stack.Whole, stack.FP32)
	}
	shape := g.Outputs[0].Shape
	if len(shape) == 0 || shape[len(shape)-1] < 1 {
		return 0, fmt.Errorf("the output %q has the shape %v, which does not say how many values an answer has\nsay so in the model's description", g.Outputs[0].Name, shape)
	}
	return int(shape[len(shape)-1]), nil
}

// Work is what one case sends: requests built before they are due, what is in
// each, and how to read an answer.
type Work struct {
	Target load.Target  // where they are sent
	Close  func() error // of the target
	In     inputs
	Decode func(a record.Answer, items int) (Answers, error) // of the answer to a request of so many items

	ahead   builder
	windows int // begun
	bounded bounded
}

// builder has requests built ahead of their being sent.
type builder interface {
	begin(base, seq int)
	at(base, seq int)
	stop()
	err() error
}

// inputs are what requests carry, by the request's number.
type inputs interface {
	Items(n int) []Item
	Batch(n int) (batch, error)
}

// Item is one image, text or prompt of a request.
type Item struct {
	id     string
	Golden bool // there is a golden answer
	asked  int  // of generated text: tokens
	exact  bool // and exactly so many
}

// Fixed are a few requests in turn.
type Fixed []batch

func (f Fixed) Items(n int) []Item { return f[inWindow(n)%len(f)].Items }

func (f Fixed) Batch(n int) (batch, error) { return f[inWindow(n)%len(f)], nil }

// WindowBits are those of a request's number that count it within its window;
// the others count the window, so that no two have a request in common.
const WindowBits = 32

func inWindow(n int) int { return n & (1<<WindowBits - 1) }

// Known is the number of a request whose answer is known; 0 when none is.
func (w *Work) Known() int {
	for n := range fewRequests {
		if w.In.Items(n)[0].Golden {
			return n
		}
	}
	return 0
}

// fewRequests are enough to have a committed input first among one's items.
const fewRequests = 64

// Count is how many items a request carries, by its number.
func (w *Work) Count(n int) int { return len(w.In.Items(n)) }

// next is the number of the first request of another window.
func (w *Work) next() (base int) {
	w.windows++
	return w.windows << WindowBits
}

// Load measures a window of requests that were never sent before. Its first has
// a number that nobody knows, since those whose answers are kept follow from
// the numbers. Requests that fail are in their records; the error is of a window that
// could not be measured.
func (w *Work) Load(ctx context.Context, p load.Plan, clock load.Clock) (load.Result, error) {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	base := w.next()
	p.First = int(binary.LittleEndian.Uint32(random[:]) >> 1)
	w.ahead.begin(base, p.First)
	res, err := load.Run(ctx, p, w.Target, clock)
	for i := range res.Records {
		res.Records[i].Seq += base - p.First
		w.doubt(&res.Records[i])
	}
	w.ahead.stop()
	return res, cmp.Or(err, w.ahead.err())
}

var (
	errEmpty   = errors.New("the answer is empty")
	errRefused = errors.New("the answer is an error")
)

// doubt makes a failure of an answer that is none: an empty one, or words about
// an error, under a status of success.
func (w *Work) doubt(r *record.Record) {
	if r.Outcome != record.Good || r.Answer == nil {
		return
	}
	body := bytes.TrimSpace(r.Answer.Body)
	switch {
	case len(body) == 0:
		r.Outcome, r.Err = record.Malformed, errEmpty.Error()
	case body[0] == '{' && bytes.Contains(body[:min(len(body), errorWithin)], []byte(`"error"`)):
		if _, err := w.Decode(*r.Answer, w.Count(r.Seq)); err != nil {
			r.Outcome, r.Err = record.Fault, errRefused.Error()
		}
	}
}

// errorWithin is where an answer that is an error says so.
const errorWithin = 64

// RequestLimit is what a request may take that has no limit of its own.
const RequestLimit = 30 * time.Second

// Each sends that many requests, one after the other, and hands over each answer,
// which is valid until the next. The first that is not good, or not taken, ends it
// with an error.
func (w *Work) Each(ctx context.Context, requests int, take func(seq int, a record.Answer) error) error {
	c, err := w.Target.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	w.ahead.at(w.next(), 0)
	for seq := range requests {
		limited, cancel := context.WithTimeout(ctx, RequestLimit)
		reply := c.Do(limited, seq)
		cancel()
		if reply.Outcome != record.Good {
			return fmt.Errorf("request %d: %s: %w", seq, reply.Outcome, reply.Err)
		}
		if err := take(seq, record.Answer{Head: reply.Head, Body: reply.Body}); err != nil {
			return err
		}
	}
	return nil
}
