package generation

import (
	"errors"
	"fmt"
	"time"

	"stackbench/internal/record"
)

// Mark is what must be known of an event while the clock runs. Contracts find it
// by searching the event's bytes; they decode kept ones after the window.
type Mark struct {
	Content bool // it has text, not empty; a role, an empty delta or a count is none
	Tokens  int  // generated tokens that came with it; 0 when it does not say
	Total   int  // generated tokens so far; 0 when it does not say
	Bare    bool // it says Total and nothing else: no token came with it
	End     bool // the contract's own last event
	Fault   bool // it reports an error
}

// Tally adds up a stream's events. It is used for one stream after another.
type Tally struct {
	out   record.Output // its chunks count from began until the end is known
	began time.Time
	sum   int  // tokens so far
	each  bool // every chunk with text so far has raised the count
	some  bool // an event came
	ended bool
	fault string
}

// Begin forgets the last stream.
func (t *Tally) Begin() {
	t.out = record.Output{Chunks: t.out.Chunks[:0]}
	t.began, t.sum, t.each, t.some, t.ended, t.fault = time.Now(), 0, true, false, false, ""
}

// Add counts an event that came at that time; data is quoted where it reports
// an error.
func (t *Tally) Add(m Mark, data []byte, at time.Time) {
	if m.Fault && t.fault == "" {
		t.fault = fmt.Sprintf("%.300q", data)
	}
	t.some = true
	before := t.sum
	t.sum += m.Tokens
	if m.Total > 0 {
		t.sum = m.Total
	}
	if m.Content {
		if len(t.out.Chunks) == 0 {
			t.out.Opened = t.sum
		}
		t.out.Chunks = append(t.out.Chunks, at.Sub(t.began))
	}
	t.carry(m, t.sum > before, at)
	t.ended = t.ended || m.End
}

// carry notes an event that carried tokens: one with text; and one without, by
// its own count, or by the total that it raised, where every event with text
// did. Elsewhere such a total may be of all that came before.
func (t *Tally) carry(m Mark, raised bool, at time.Time) {
	if m.Content || m.Tokens > 0 || raised && t.each && !m.Bare {
		t.out.Events++
		t.out.Counted, t.out.Last = 0, at.Sub(t.began)
		if m.Tokens > 0 || m.Total > 0 {
			t.out.Counted = t.sum
		}
	}
	t.each = t.each && (raised || !m.Content)
}

var (
	errNoEvent   = errors.New("the answer is no stream of events")
	errNoEnd     = errors.New("the stream closed before its last event")
	errNoContent = errors.New("the stream has no text")
)

// End completes the reply of a stream: what was heard of it, and the outcome
// where the events say another than the connection's.
func (t *Tally) End(r *record.Reply) {
	t.out.Tokens = t.sum
	r.First, r.Last = time.Time{}, time.Time{}
	chunks := t.out.Chunks
	if n := len(chunks); n > 0 {
		r.First, r.Last = t.began.Add(chunks[0]), t.began.Add(chunks[n-1])
	}
	early := t.began.Sub(r.Sent)
	for i := range chunks {
		chunks[i] += early
	}
	if t.out.Events > 0 {
		t.out.Last += early
	}
	r.Output = &t.out
	switch {
	case t.fault != "" && r.Outcome != record.Cancelled:
		r.Outcome, r.Err = record.Fault, fmt.Errorf("the stream reports an error: %s", t.fault)
	case r.Outcome != record.Good:
	case !t.some:
		r.Outcome, r.Err = record.Malformed, errNoEvent
	case !t.ended:
		r.Outcome, r.Err = record.Cut, errNoEnd
	case len(chunks) == 0:
		r.Outcome, r.Err = record.Malformed, errNoContent
	}
}
