package sse

import (
	"time"

	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
)

// Marker tells by an event's bytes what must be known of it at once.
type Marker func(e Event) generation.Mark

// EventHandler stamps the events of a connection's streams. Events that ended in
// the same read share its time: the next byte was not asked for before.
type EventHandler struct {
	mark  Marker
	scan  Scanner
	tally generation.Tally
	at    time.Time // of the newest bytes
}

var _ http1.EventHandler = (*EventHandler)(nil)

// Events hears the streams of one contract.
func Events(m Marker) http1.Streaming {
	return http1.Streaming{Listen: func() http1.EventHandler { return &EventHandler{mark: m} }, Silence: generation.Silence}
}

// Begin forgets the last stream.
func (l *EventHandler) Begin() {
	l.scan.Reset()
	l.tally.Begin()
}

// OnEvent takes whole events.
func (l *EventHandler) OnEvent(body []byte, at time.Time) (taken int, err error) {
	l.at = at
	for {
		e, n, err := l.scan.Scan(body[taken:])
		if err != nil || n == 0 {
			return taken, err
		}
		taken += n
		if e.Data != nil {
			l.tally.Add(l.mark(e), e.Data, at)
		}
	}
}

// Over takes a last event that no empty line ends: the body itself has ended
// it. The standard has such an event dropped; servers and gateways send their
// end mark so, and what came is no less whole.
func (l *EventHandler) Over(rest []byte) {
	if e := l.scan.Rest(rest); e.Data != nil {
		l.tally.Add(l.mark(e), e.Data, l.at)
	}
}

// End completes the reply.
func (l *EventHandler) End(r *record.Reply) { l.tally.End(r) }

// Each gives every event of a kept stream that ended whole, in order, until one
// is refused.
func Each(body []byte, give func(Event) error) error {
	var s Scanner
	for {
		e, n, err := s.Scan(body)
		if err != nil {
			return err
		}
		if n == 0 {
			if e = s.Rest(body); e.Data == nil {
				return nil
			}
			return give(e)
		}
		body = body[n:]
		if e.Data == nil {
			continue
		}
		if err := give(e); err != nil {
			return err
		}
	}
}
