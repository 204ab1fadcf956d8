package generation

import (
	"time"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// Silence is how long a stream may send nothing.
const Silence = 30 * time.Second

// Whole hears answers that are not streamed, and counts their tokens by the key
// that holds them, as Count finds it.
type Whole struct {
	key         string
	body        []byte
	first, last time.Time
	out         record.Output
}

var _ http1.Listener = (*Whole)(nil)

// HearWhole hears whole answers. A server says nothing until one is complete, so
// that only the request's own limit holds.
func HearWhole(key string) http1.Hearing {
	return http1.Hearing{Listen: func() http1.Listener { return &Whole{key: key} }}
}

// Begin forgets the last answer.
func (w *Whole) Begin() { *w = Whole{key: w.key} }

// Hear takes nothing, so that the body stays together.
func (w *Whole) Hear(body []byte, at time.Time) (taken int, err error) {
	if w.body == nil {
		w.first = at
	}
	w.body, w.last = body, at
	return 0, nil
}

// End completes the reply.
func (w *Whole) End(r *record.Reply) {
	w.out.Tokens = Count(w.body, w.key)
	r.First, r.Last, r.Output = w.first, w.last, &w.out
	if r.Outcome == record.Good && len(w.body) == 0 {
		r.Outcome, r.Err = record.Malformed, errNoContent
	}
}
