// Package grpcraw is the gRPC client of the hot path: unary calls of messages
// that were marshalled before they are due, answered by bytes that are decoded
// after the window. It knows no contract.
package grpcraw

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"stackbench/internal/record"
)

// maxMessage is what servers of this project take, too.
const maxMessage = 256 << 20

// Target is a server and the requests that its connections send in turn.
// Its connections share one HTTP/2 channel a processor, where the server takes
// as many calls on each: more of them cost CPU and carry no more.
type Target struct {
	addr     string
	method   string
	requests []mem.BufferSlice
	next     func(seq int) []byte // nil: the requests in turn
	places   places
	limit    int               // of an answer's message, in bytes
	options  []grpc.CallOption // of each call: the limit
}

// channel is an HTTP/2 connection that gRPC opens again when it is lost. The
// counters tell what an Unavailable status means: gRPC gives the same one when
// there is no connection, when it was lost and when a server says so itself.
type channel struct {
	client *grpc.ClientConn
	lost   atomic.Int64  // connections that ended
	up     atomic.Int64  // connections that are open
	limit  atomic.Uint32 // calls at a time that the server takes on one; 0: it did not say
	conns  int           // of the target, on this channel; under the lock of places
}

// NewTarget prepares marshalled requests to a unary method, written as
// /package.Service/Method, of the server at host:port. They must not change
// from now on.
func NewTarget(addr, method string, requests [][]byte) (*Target, error) {
	if len(requests) == 0 {
		return nil, fmt.Errorf("prepare requests for %s: there are none", addr)
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("server address %q: want host:port: %w", addr, err)
	}
	t := &Target{addr: addr, method: method}
	t.Bound(maxMessage)
	for _, b := range requests {
		t.requests = append(t.requests, mem.BufferSlice{mem.SliceBuffer(b)})
	}
	for range runtime.GOMAXPROCS(0) {
		c, err := newChannel(addr)
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("prepare connection to %s: %w", addr, err)
		}
		t.places.channels = append(t.places.channels, c)
	}
	return t, nil
}

// newChannel opens nothing yet. It goes to addr itself: no proxy, no resolver.
func newChannel(addr string) (*channel, error) {
	c := &channel{}
	var err error
	c.client, err = grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(c.dial),
		grpc.WithConnectParams(grpc.ConnectParams{ // a server that comes back is found within a second, not minutes
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(rawCodec{}),
			grpc.MaxCallRecvMsgSize(maxMessage),
			grpc.MaxCallSendMsgSize(maxMessage),
		),
	)
	return c, err
}

func (c *channel) dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c.up.Add(1)
	return &watched{Conn: conn, channel: c}, nil
}

// watched notes the end of its connection before gRPC learns of it.
type watched struct {
	net.Conn
	channel  *channel
	settings settings // of the server; read by gRPC's one reader
	over     atomic.Bool
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if limit, told := w.settings.read(b[:n]); told {
		w.channel.limit.Store(limit)
	}
	if err != nil {
		w.end()
	}
	return n, err
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if err != nil {
		w.end()
	}
	return n, err
}

func (w *watched) Close() error {
	w.end()
	return w.Conn.Close()
}

func (w *watched) end() {
	if !w.over.Swap(true) {
		w.channel.lost.Add(1)
		w.channel.up.Add(-1)
	}
}

// why asks a call for the error that the channel's state does not tell.
func (c *channel) why(ctx context.Context) error {
	call := call{out: mem.BufferSlice{}}
	err := c.client.Invoke(ctx, healthpb.Health_Check_FullMethodName, &call, &call)
	if err == nil || status.Code(err) == codes.Unimplemented {
		return errors.New("the connection was lost and came back")
	}
	return errors.New(status.Convert(err).Message())
}

// Close ends all channels, and so the requests under way.
func (t *Target) Close() error {
	var all []error
	for _, c := range t.places.all() {
		all = append(all, c.client.Close())
	}
	return errors.Join(all...)
}

// Conn sends one request at a time over its shared channel; it is not for
// use by several goroutines.
type Conn struct {
	target  *Target
	channel *channel
	call    call
	closed  bool
}

// Do sends request seq modulo the number of requests, and returns when its
// answer has ended, ctx is done or ctx's deadline has passed. First and Last
// are when the message had arrived. The reply's bytes are valid until the next Do.
func (c *Conn) Do(ctx context.Context, seq int) record.Reply {
	c.call.out = c.target.request(seq)
	c.call.at = time.Time{}
	lost := c.channel.lost.Load()
	r := record.Reply{Sent: time.Now()}
	err := c.channel.client.Invoke(ctx, c.target.method, &c.call, &c.call, c.target.options...)
	return c.ended(ctx, r, err, lost)
}

// ended completes the reply of a call.
func (c *Conn) ended(ctx context.Context, r record.Reply, err error, lost int64) record.Reply {
	r.Done = time.Now()
	r.First, r.Last = c.call.at, c.call.at
	if err == nil {
		r.Body = c.call.in
		return r
	}
	r.Err = err
	s := status.Convert(err)
	r.Outcome = c.channel.outcome(ctx, s, lost)
	if r.Outcome == record.Status && c.target.refused(s) {
		r.Outcome = record.Oversize
	}
	switch r.Outcome {
	case record.Status:
		r.Code = int(s.Code())
	case record.Refused:
		r.Sent = time.Time{}
	}
	return r
}

// Close gives the place on the channel to others; the channel is the target's.
func (c *Conn) Close() error {
	if !c.closed {
		c.closed = true
		c.target.places.giveBack(c.channel)
	}
	return nil
}

// outcome tells whose fault a failed call was; lost is the channel's counter
// from before the call.
func (c *channel) outcome(ctx context.Context, s *status.Status, lost int64) record.Outcome {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return record.Cancelled
	case s.Code() == codes.DeadlineExceeded, errors.Is(ctx.Err(), context.DeadlineExceeded): // whichever side noticed first
		return record.Timeout
	case c.lost.Load() != lost:
		return record.Cut
	case s.Code() == codes.Unavailable && c.up.Load() == 0:
		return record.Refused
	}
	return record.Status
}

// call is both ends of a request: what to send, and the buffer for the answer.
type call struct {
	out mem.BufferSlice
	in  []byte
	at  time.Time
}

// rawCodec sends marshalled bytes as they are and stamps what arrives, so that
// nothing is marshalled while the clock runs.
type rawCodec struct{}

var _ encoding.CodecV2 = rawCodec{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	c, ok := v.(*call)
	if !ok {
		return nil, fmt.Errorf("raw codec: %T is not a call", v)
	}
	return c.out, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	c, ok := v.(*call)
	if !ok {
		return fmt.Errorf("raw codec: %T is not a call", v)
	}
	c.at = time.Now()
	n := data.Len()
	if cap(c.in) < n {
		c.in = make([]byte, n)
	}
	c.in = c.in[:n]
	data.CopyTo(c.in)
	return nil
}
