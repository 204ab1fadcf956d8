package grpcraw

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"stackbench/internal/record"
)

// StreamTarget is a Target whose method is a bidirectional stream that answers
// each message with one. Each connection keeps a stream of its own open, and
// sends one request at a time on it.
type StreamTarget struct{ target *Target }

// NewStreamTarget is NewTarget for such a method.
func NewStreamTarget(addr, method string, requests [][]byte) (*StreamTarget, error) {
	t, err := NewTarget(addr, method, requests)
	if err != nil {
		return nil, err
	}
	return &StreamTarget{t}, nil
}

// Dial returns a connection once its channel is open. Its stream is opened by
// the first request.
func (t *StreamTarget) Dial(ctx context.Context) (*StreamConn, error) {
	c, err := t.target.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &StreamConn{conn: c}, nil
}

// Close ends all channels, and so the streams.
func (t *StreamTarget) Close() error { return t.target.Close() }

// StreamConn sends one request at a time on its stream; it is not for use by
// several goroutines.
type StreamConn struct {
	conn   *Conn
	stream grpc.ClientStream // nil before the first request and after a failed one
	end    context.CancelFunc
}

// errNoAnswer is of a stream that the server ended instead of answering.
var errNoAnswer = status.Error(codes.Internal, "the server ended the stream without an answer")

// Do sends request seq modulo the number of requests, and returns when its
// answer has come, ctx is done or ctx's deadline has passed. A stream on which
// a request failed is left: the next opens another.
func (c *StreamConn) Do(ctx context.Context, seq int) record.Reply {
	k := c.conn
	k.call.out = k.target.request(seq)
	k.call.at = time.Time{}
	lost := k.channel.lost.Load()
	if c.stream == nil {
		if err := c.open(ctx); err != nil {
			return k.ended(ctx, record.Reply{Sent: time.Now()}, err, lost)
		}
	}
	stop := context.AfterFunc(ctx, c.end)
	r := record.Reply{Sent: time.Now()}
	err := c.stream.SendMsg(&k.call)
	if err == nil || errors.Is(err, io.EOF) { // then the answer says why
		err = c.stream.RecvMsg(&k.call)
	}
	if errors.Is(err, io.EOF) {
		err = errNoAnswer
	}
	r = k.ended(ctx, r, err, lost)
	if !stop() || err != nil {
		c.leave()
	}
	return r
}

// open begins the stream, which outlives the request: its end is its own, but
// until it has begun the request's context ends it, since a server without a
// place for it makes it wait.
func (c *StreamConn) open(request context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(request, cancel)
	k := c.conn
	s, err := k.channel.client.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, k.target.method, k.target.options...)
	if err == nil && !stop() {
		err = status.FromContextError(request.Err()).Err()
	}
	if err != nil {
		stop()
		cancel()
		return err
	}
	c.stream, c.end = s, cancel
	return nil
}

// leave ends the stream.
func (c *StreamConn) leave() {
	if c.stream != nil {
		c.end()
	}
	c.stream, c.end = nil, nil
}

// Close ends the stream, and gives the place on the channel to others.
func (c *StreamConn) Close() error {
	c.leave()
	return c.conn.Close()
}
