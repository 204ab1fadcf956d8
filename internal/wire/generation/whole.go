package generation

import (
	"fmt"
	"time"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// Silence is how long a stream may send nothing.
const Silence = 30 * time.Second

// Whole hears answers that are not streamed. A contract tells of one by its
// bytes, as of a stream's events: a body that reports an error is none.
type Whole struct {
	mark        func(body []byte) Mark
	body        []byte
	first, last time.Time
	out         record.Output
}

var _ http1.EventHandler = (*Whole)(nil)

// WholeEvents hears whole answers. A server says nothing until one is complete, so
// that only the request's own limit holds.
func WholeEvents(mark func(body []byte) Mark) http1.Streaming {
	return http1.Streaming{Listen: func() http1.EventHandler { return &Whole{mark: mark} }}
}

// Begin forgets the last answer.
func (w *Whole) Begin() { *w = Whole{mark: w.mark} }

// OnEvent takes nothing, so that the body stays together.
func (w *Whole) OnEvent(body []byte, at time.Time) (taken int, err error) {
	if w.body == nil {
		w.first = at
	}
	w.body, w.last = body, at
	return 0, nil
}

// Over has nothing to add: the body was told of as it came.
func (w *Whole) Over([]byte) {}

// End completes the reply.
func (w *Whole) End(r *record.Reply) {
	m := w.mark(w.body)
	w.out.Tokens = m.Total
	r.First, r.Last, r.Output = w.first, w.last, &w.out
	switch {
	case r.Outcome != record.Good:
	case m.Fault:
		r.Outcome, r.Err = record.Fault, fmt.Errorf("the answer reports an error: %.300q", w.body)
	case !m.Content:
		r.Outcome, r.Err = record.Malformed, errNoContent
	}
}
