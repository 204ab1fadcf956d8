// Package sse reads server-sent events as they arrive: it finds where events
// end and what their data is, looks into none, and copies nothing.
package sse

import (
	"bytes"
	"fmt"
)

// maxEvent bounds what one event may take: a server that never ends a line is
// told from one that streams.
const maxEvent = 1 << 20

// Event is one event of a stream. Its bytes are those that were scanned, except
// the data of several lines, which are the scanner's; both are valid until the
// next scan.
type Event struct {
	Type []byte // nil when the stream does not say
	Data []byte // nil: a comment or an empty event, nothing was said
}

// Scanner finds events in bytes that arrive in pieces. It follows the living
// standard: lines end in LF, CRLF or CR; a comment begins with a colon; the
// space after a field's colon is optional; data lines join with LF; fields that
// are not known are skipped; an event that no empty line ended is none.
type Scanner struct {
	at     int // scanned bytes of the event under way
	clean  int // bytes beyond at that are known to hold no line end
	lines  int // data lines of it
	data   span
	kind   span
	joined []byte // data of several lines
	begun  bool   // the stream's first bytes have been seen
	lf     bool   // the last line ended in CR: an LF that follows belongs to it
}

type span struct{ from, to int }

// Reset forgets the stream.
func (s *Scanner) Reset() { *s = Scanner{joined: s.joined[:0]} }

// Scan looks for the first event in b. It returns the event and how many bytes
// it took, or 0 bytes when b holds no whole one: the next call's b then begins
// with the same bytes and holds more. Otherwise the next call's begins behind
// what was taken.
func (s *Scanner) Scan(b []byte) (e Event, taken int, err error) {
	if !s.begun {
		if n, ok := mark(b); !ok {
			return Event{}, 0, nil
		} else if s.begun = true; n > 0 {
			return Event{}, n, nil
		}
	}
	for {
		if s.lf && s.at < len(b) {
			s.lf = false
			if b[s.at] == '\n' {
				if s.at++; s.at == 1 {
					return s.nothing()
				}
			}
		}
		size, ending := lineEnd(b[s.at:], s.clean)
		if ending == 0 {
			s.clean = size
			if len(b) > maxEvent {
				return Event{}, 0, fmt.Errorf("an event of over %d bytes: it begins with %.60q", maxEvent, b)
			}
			return Event{}, 0, nil
		}
		from := s.at
		s.clean, s.at = 0, s.at+size+ending
		s.lf = ending == 1 && b[from+size] == '\r'
		if size == 0 {
			return s.event(b)
		}
		s.field(b, from, from+size)
		if s.lines == 0 && s.kind == (span{}) {
			return s.nothing() // a comment is let go at once: keep-alives must not pile up
		}
	}
}

// Rest is the event in b, of which Scan has found no end, when no more bytes
// come; the zero Event when there is none.
func (s *Scanner) Rest(b []byte) Event {
	b = append(append(make([]byte, 0, len(b)+2), b...), "\n\n"...)
	for {
		e, n, err := s.Scan(b)
		if err != nil || n == 0 || e.Data != nil {
			return e
		}
		b = b[n:]
	}
}

// mark is the size of the byte order mark that a stream may begin with; false
// when more bytes are needed to tell.
func mark(b []byte) (int, bool) {
	const bom = "\xef\xbb\xbf"
	n := min(len(b), len(bom))
	switch {
	case string(b[:n]) != bom[:n]:
		return 0, true
	case n < len(bom):
		return 0, false
	}
	return len(bom), true
}

// lineEnd finds the first line in b, of which the first clean bytes hold no
// end: its size, and its ending's (0: it does not end).
func lineEnd(b []byte, clean int) (size, ending int) {
	rest := b[clean:]
	end := bytes.IndexByte(rest, '\n')
	if end >= 0 {
		rest = rest[:end]
	}
	switch cr := bytes.IndexByte(rest, '\r'); {
	case cr >= 0 && cr == end-1:
		return clean + cr, 2
	case cr >= 0:
		return clean + cr, 1
	case end >= 0:
		return clean + end, 1
	}
	return len(b), 0
}

// nothing takes what was scanned without an event.
func (s *Scanner) nothing() (Event, int, error) {
	n := s.at
	s.at = 0
	return Event{}, n, nil
}

// event ends the event under way.
func (s *Scanner) event(b []byte) (Event, int, error) {
	var e Event
	switch {
	case s.lines == 1:
		e.Data = b[s.data.from:s.data.to:s.data.to]
	case s.lines > 1:
		e.Data = s.joined
	}
	if s.kind.to > s.kind.from {
		e.Type = b[s.kind.from:s.kind.to]
	}
	n := s.at
	s.at, s.lines, s.kind = 0, 0, span{}
	return e, n, nil
}

// field takes in the line b[from:to].
func (s *Scanner) field(b []byte, from, to int) {
	line := b[from:to]
	name, value := line, to
	if colon := bytes.IndexByte(line, ':'); colon >= 0 {
		name, value = line[:colon], from+colon+1
		if value < to && b[value] == ' ' {
			value++
		}
	}
	switch string(name) {
	case "data":
		if s.lines++; s.lines > 1 {
			if s.lines == 2 {
				s.joined = append(s.joined[:0], b[s.data.from:s.data.to]...)
			}
			s.joined = append(append(s.joined, '\n'), b[value:to]...)
		}
		s.data = span{value, to}
	case "event":
		s.kind = span{value, to}
	}
}
