package fake

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Ending is how a timeline's answer ends.
type Ending string

const (
	Clean   Ending = "end"   // as its framing says
	CutOff  Ending = "cut"   // the connection is closed before that
	Resets  Ending = "reset" // likewise, by a reset where the connection has one
	Hanging Ending = "hang"  // never: the connection stays open and silent
)

// Part is a piece of an answer's body that goes out in one write: one chunk,
// where the framing has chunks.
type Part struct {
	At    time.Duration // since the request had arrived whole
	Bytes []byte        // each Stamp in them is replaced by the time of the write, each Arrival by that of the request's arrival
}

// Stamp is the place of a time of the wall clock in nanoseconds, by which a
// client can tell how late it took notice.
const Stamp = "0000000000000000000"

// Arrival is likewise the place of the time at which the request had arrived
// whole: with both, an answer says how long it was in the making.
const Arrival = "1111111111111111111"

// Timeline is an answer that is written piece by piece, each at its own time.
type Timeline struct {
	Status  int      // 0 means 200
	Header  []string // further lines, "Name: value"
	Framing Framing
	Head    time.Duration // when the head is written; times count from the request's arrival
	Parts   []Part
	End     Ending // "" means Clean
	EndAt   time.Duration
}

// Play starts a server that answers every request by a timeline.
func Play(t Timeline) (*HTTPServer, error) { return PlayAt("127.0.0.1:0", t) }

// PlayAt is Play on an address of its own.
func PlayAt(addr string, t Timeline) (*HTTPServer, error) {
	h, err := listen(addr)
	if err != nil {
		return nil, err
	}
	h.player = newPlayer(t, h.done)
	h.ends.Go(h.accept)
	return h, nil
}

// PlayOn answers the requests of one connection by a timeline, until the
// connection ends or ctx does. It serves tests in virtual time, where there are
// no sockets.
func PlayOn(ctx context.Context, c net.Conn, t Timeline) {
	defer c.Close()
	p := newPlayer(t, ctx.Done())
	for r := (reader{conn: c, buf: make([]byte, 4096)}); r.request() == nil; {
		if !p.play(c, time.Now(), nil) {
			return
		}
	}
}

// player writes a timeline, over many connections at once.
type player struct {
	Timeline
	head   []byte
	framed []Part
	last   []byte // what the framing ends with
	done   <-chan struct{}
}

func newPlayer(t Timeline, done <-chan struct{}) *player {
	p := &player{Timeline: t, done: done}
	var all []byte
	for _, part := range t.Parts {
		all = append(all, part.Bytes...)
		if t.Framing == Chunked {
			part.Bytes = chunk(part.Bytes)
		}
		p.framed = append(p.framed, part)
	}
	p.head, _ = render(Script{Status: t.Status, Header: t.Header, Body: all, Framing: t.Framing})
	if t.Framing == Chunked {
		p.last = []byte("0\r\n\r\n")
	}
	return p
}

// play writes one answer to a request that arrived at that time, by way of out,
// and reports whether the connection can carry another.
func (p *player) play(c net.Conn, arrived time.Time, out []byte) bool {
	at := func(d time.Duration) bool { return pause(p.done, time.Until(arrived.Add(d))) }
	if !at(p.Head) {
		return false
	}
	if _, err := c.Write(p.head); err != nil {
		return false
	}
	for _, part := range p.framed {
		if !at(part.At) {
			return false
		}
		out = append(out[:0], part.Bytes...)
		if _, err := c.Write(stamped(out, arrived)); err != nil {
			return false
		}
	}
	return at(p.EndAt) && p.end(c)
}

// stamped puts the times into the places for them.
func stamped(b []byte, arrived time.Time) []byte {
	for _, x := range []struct {
		place string
		at    time.Time
	}{{Arrival, arrived}, {Stamp, time.Now()}} {
		for i := bytes.Index(b, []byte(x.place)); i >= 0; i = bytes.Index(b, []byte(x.place)) {
			strconv.AppendInt(b[:i], x.at.UnixNano(), 10)
		}
	}
	return b
}

func (p *player) end(c net.Conn) bool {
	switch p.End {
	case CutOff:
		return false
	case Resets:
		reset(c, p.done)
		return false
	case Hanging:
		silent(c)
		return false
	default:
		if _, err := c.Write(p.last); len(p.last) > 0 && err != nil {
			return false
		}
		return p.Framing != UntilClose
	}
}

// Check finds timelines that cannot be played.
func (t Timeline) Check() error {
	before := t.Head
	for i, p := range t.Parts {
		if p.At < before {
			return fmt.Errorf("part %d is due at %v, before what precedes it at %v", i+1, p.At, before)
		}
		before = p.At
	}
	if t.EndAt < before {
		return fmt.Errorf("the end is due at %v, before what precedes it at %v", t.EndAt, before)
	}
	return nil
}
