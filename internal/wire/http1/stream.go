package http1

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"stackbench/internal/record"
)

// Streaming is how answers are heard while they arrive.
type Streaming struct {
	Listen  func() EventHandler // one for each connection
	Silence time.Duration       // how long nothing may come, or up to a tenth more, before the answer has failed; 0: no limit
}

// EventHandler hears the body of a good answer while it arrives. It belongs to one
// connection, and is told of one answer after another.
type EventHandler interface {
	// Begin forgets the last answer: another was asked for.
	Begin()
	// OnEvent is given what has come and was not taken yet, without its transfer
	// coding, and when the newest of it came. It returns how much it takes, which
	// it is not given again. An error says why this is no answer of the protocol.
	OnEvent(body []byte, at time.Time) (taken int, err error)
	// Over is given what OnEvent has not taken of a body that has ended whole.
	Over(rest []byte)
	// End completes the reply of an answer that OnEvent was told of, or ought to have
	// been: First, Last and Output; and the outcome, where the events say another
	// than the connection does.
	End(r *record.Reply)
}

// stream is a connection's part in hearing its answers.
type stream struct {
	target   *Target
	listener EventHandler
	silence  time.Duration
	keep     bool      // hold on to the body's bytes
	heard    bool      // an answer's body was begun
	extended time.Time // when the limit of silence was last put off
}

// begin prepares for the answer of request seq.
func (s *stream) begin(seq int) {
	s.keep = record.Whole(seq, int(s.target.dialled.Load()))
	s.heard, s.extended = false, time.Time{}
	s.listener.Begin()
}

// hear passes on what has come.
func (s *stream) hear(body []byte, at time.Time) (taken int, err error) {
	taken, err = s.listener.OnEvent(body, at)
	if err != nil {
		return taken, malformed(err.Error())
	}
	return taken, nil
}

// judge lets the listener complete a reply.
func (s *stream) judge(r *record.Reply) {
	if !s.heard {
		return
	}
	if !s.keep {
		r.Unkept, r.Body = true, nil
	}
	s.listener.End(r)
}

// extend puts the limit of silence off, unless less than a tenth of it has
// passed: a deadline for each read would cost as much as all else about it.
func (s *stream) extend(w *watch, now time.Time) {
	if s.silence > 0 && now.Sub(s.extended) > s.silence/10 {
		s.extended = now
		w.extend(now.Add(s.silence + s.silence/10))
	}
}

// silenced is the error of a stream that fell silent.
type silenced time.Duration

func (s silenced) Error() string { return fmt.Sprintf("nothing came for %v", time.Duration(s)) }

// judgeRead tells the limit of silence from the request's own, which ends reads
// by the same error.
func (s *stream) judgeRead(w *watch, err error, now time.Time) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && !w.due(now) {
		return silenced(s.silence)
	}
	return err
}

// hear reads a body as readBody does, but tells the listener of each read, and
// lets go of what it has taken unless the body is to be kept.
func (c *Conn) hear(h head, end int, r *record.Reply) (size, used int, err error) {
	c.stream.heard = true
	b := body{dechunker: dechunker{read: end, write: end, limit: c.target.most(), start: end}, chunked: h.chunked, left: h.length}
	for taken := 0; ; {
		before := b.write
		over, err := b.decode(c.buf, c.n)
		if b.write > before {
			n, refused := c.stream.hear(c.buf[end+taken:b.write], c.at)
			taken += n
			err = cmp.Or(refused, err)
		}
		if err != nil || over {
			if err == nil {
				c.stream.listener.Over(c.buf[end+taken : b.write])
			}
			r.Done = c.at
			return b.write - end, b.read, err
		}
		if !c.stream.keep {
			b.write = end + copy(c.buf[end:], c.buf[end+taken:b.write])
			taken = 0
		}
		if b.read > b.write { // what is raw moves down to what is decoded
			c.n = b.write + copy(c.buf[b.write:], c.buf[b.read:c.n])
			b.read = b.write
		}
		c.stream.extend(c.watch, c.at)
		if err := c.fill(0); errors.Is(err, io.EOF) && b.untilClose() {
			c.stream.listener.Over(c.buf[end+taken : b.write])
			r.Done = time.Now()
			return b.write - end, b.read, nil
		} else if err != nil {
			return b.write - end, b.read, unexpected(err)
		}
	}
}

// body decodes what has come of a body, in place: of chunks, of a length, or
// up to the connection's end.
type body struct {
	dechunker
	chunked bool
	left    int64 // without chunks: bytes to come; -1 up to the connection's end
}

func (b *body) untilClose() bool { return !b.chunked && b.left < 0 }

// decode decodes what it can of buf[:n], and reports whether that was the last.
func (b *body) decode(buf []byte, n int) (over bool, err error) {
	if b.chunked {
		err = b.step(buf, n)
		return b.state == chunksDone, err
	}
	k := int64(n - b.read)
	if b.left >= 0 {
		k = min(k, b.left)
		b.left -= k
	}
	b.read += int(k)
	b.write += int(k)
	if b.write-b.start > b.limit {
		return false, oversize(b.limit)
	}
	return b.left == 0, nil
}

// listening is a reader of a body that tells the listener of each read, for
// connections that net/http reads.
type listening struct {
	*stream
	taken int
	leave context.CancelCauseFunc
	timer *time.Timer // fires leave; nil without a limit
}

// attend gives a request's context the limit of silence.
func (s *stream) attend(ctx context.Context) (context.Context, *listening) {
	ctx, leave := context.WithCancelCause(ctx)
	l := &listening{stream: s, leave: leave}
	if s.silence > 0 {
		l.timer = time.AfterFunc(s.silence, func() { leave(silenced(s.silence)) })
	}
	return ctx, l
}

// hear passes on a body that has grown.
func (l *listening) hear(body []byte, at time.Time) error {
	if l.timer != nil {
		l.timer.Reset(l.silence)
	}
	n, err := l.stream.hear(body[l.taken:], at)
	l.taken += n
	return err
}

// over passes on what was not taken of a whole body.
func (l *listening) over(body []byte) { l.listener.Over(body[l.taken:]) }

// end releases what the request held, and says that silence ended it where it did.
func (l *listening) end(ctx context.Context, r *record.Reply) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.leave(nil)
	var s silenced
	if errors.As(context.Cause(ctx), &s) {
		r.Outcome, r.Err = record.Silent, s
	}
}
