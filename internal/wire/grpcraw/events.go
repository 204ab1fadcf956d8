package grpcraw

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"stackbench/internal/record"
)

// Streaming is how the messages of an answer are heard while they arrive.
type Streaming struct {
	Listen  func() EventHandler // one for each connection
	Silence time.Duration       // how long no message may come before the answer has failed
}

// EventHandler hears the messages of one answer after another.
type EventHandler interface {
	// Begin forgets the last answer: another was asked for.
	Begin()
	// OnEvent is given a message, and when it had arrived. Its bytes are not kept.
	OnEvent(message []byte, at time.Time)
	// End completes the reply: First, Last and Output; and the outcome, where the
	// messages say another than the call does.
	End(r *record.Reply)
}

// EventTarget is a Target whose method is a stream: a request is a call of its
// own, which the client closes after its one message, and is answered by
// messages up to the call's end.
type EventTarget struct {
	target  *Target
	hearing Streaming
	dialled atomic.Int64
}

// NewEventTarget is NewTarget for such a method.
func NewEventTarget(addr, method string, requests [][]byte, h Streaming) (*EventTarget, error) {
	t, err := NewTarget(addr, method, requests)
	if err != nil {
		return nil, err
	}
	return &EventTarget{target: t, hearing: h}, nil
}

// Dial returns a connection once its channel is open.
func (t *EventTarget) Dial(ctx context.Context) (*EventConn, error) {
	t.dialled.Add(1)
	c, err := t.target.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &EventConn{conn: c, target: t, listener: t.hearing.Listen()}, nil
}

// Close ends all channels, and so the requests under way.
func (t *EventTarget) Close() error { return t.target.Close() }

// EventConn sends one request at a time over its shared channel; it is not for
// use by several goroutines.
type EventConn struct {
	conn     *Conn
	target   *EventTarget
	listener EventHandler
	body     []byte
}

// Close gives the place on the channel to others.
func (c *EventConn) Close() error { return c.conn.Close() }

// silenced is the error of a stream that fell silent.
type silenced time.Duration

func (s silenced) Error() string { return fmt.Sprintf("nothing came for %v", time.Duration(s)) }

// Do sends request seq modulo the number of requests, and returns when the call
// has ended, ctx is done or ctx's deadline has passed, or nothing came for too
// long. Body is every message behind its length in four bytes, as Each reads
// them; it is valid until the next Do.
func (c *EventConn) Do(ctx context.Context, seq int) record.Reply {
	k, silence := c.conn, c.target.hearing.Silence
	ctx, leave := context.WithCancelCause(ctx)
	quiet := time.AfterFunc(silence, func() { leave(silenced(silence)) })
	defer quiet.Stop()
	defer leave(nil)
	k.call.out = k.target.request(seq)
	k.call.at = time.Time{}
	keep := record.Whole(seq, int(c.target.dialled.Load()))
	c.body = c.body[:0]
	if !keep {
		c.body = nil
	}
	lost := k.channel.lost.Load()
	c.listener.Begin()
	r := record.Reply{Sent: time.Now()}
	err := c.exchange(ctx, quiet, keep)
	r = k.ended(ctx, r, err, lost)
	r.Body, r.Unkept = c.body, !keep
	var s silenced
	if errors.As(context.Cause(ctx), &s) && err != nil {
		r.Outcome, r.Err = record.Silent, s
	}
	if r.Outcome != record.Refused {
		c.listener.End(&r)
	}
	return r
}

// exchange makes the call and hears its messages up to its end.
func (c *EventConn) exchange(ctx context.Context, quiet *time.Timer, keep bool) error {
	k := c.conn
	s, err := k.channel.client.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, k.target.method, k.target.options...)
	if err != nil {
		return err
	}
	if err := s.SendMsg(&k.call); err != nil && !errors.Is(err, io.EOF) { // then receiving says why
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	for {
		if err := s.RecvMsg(&k.call); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		quiet.Reset(c.target.hearing.Silence)
		c.listener.OnEvent(k.call.in, k.call.at)
		if keep && len(c.body)+len(k.call.in) > k.target.limit {
			return k.target.oversize()
		}
		if keep {
			c.body = append(binary.BigEndian.AppendUint32(c.body, uint32(len(k.call.in))), k.call.in...)
		}
	}
}

// Each gives every message of a kept body, in order, until one is refused.
func Each(body []byte, give func(message []byte) error) error {
	for len(body) > 0 {
		if len(body) < 4 || uint64(binary.BigEndian.Uint32(body)) > uint64(len(body)-4) {
			return errors.New("the messages are cut short")
		}
		n := 4 + int(binary.BigEndian.Uint32(body))
		if err := give(body[4:n]); err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}
