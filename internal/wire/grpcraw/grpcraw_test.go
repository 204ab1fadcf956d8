package grpcraw

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

const method = "/test.Service/Do"

func open(t *testing.T, calls fake.Calls) (*fake.GRPCServer, *Target, *Conn) {
	t.Helper()
	g, err := fake.GRPC(calls)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	target, err := NewTarget(g.Addr(), method, [][]byte{[]byte("question")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	return g, target, c
}

func TestAnswer(t *testing.T) {
	g, _, c := open(t, fake.Calls{Message: []byte("answer"), Delay: time.Millisecond})
	for seq := range 3 {
		r := c.Do(t.Context(), seq)
		require.NoError(t, r.Err)
		require.Equal(t, record.Good, r.Outcome)
		require.True(t, r.First.After(r.Sent))
		require.Equal(t, r.First, r.Last)
		require.False(t, r.Done.Before(r.Last))
		require.Equal(t, "answer", string(r.Body))
	}
	require.Len(t, g.Arrivals(), 3)
	require.NoError(t, c.Close())
}

func TestLargeAnswer(t *testing.T) {
	_, _, c := open(t, fake.Calls{Message: make([]byte, 20<<20)})
	r := c.Do(t.Context(), 0)
	require.NoError(t, r.Err)
	require.Len(t, r.Body, 20<<20)
}

// Every fault is bounded and counted, and the next request is answered.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		calls   fake.Calls
		limit   time.Duration
		outcome record.Outcome
		code    codes.Code
	}{
		"drop":   {fake.Calls{Fault: fake.Fault{Kind: fake.Drop, Every: 2}}, time.Minute, record.Cut, 0},
		"silent": {fake.Calls{Fault: fake.Fault{Kind: fake.Silent, Every: 2}}, 50 * time.Millisecond, record.Timeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, conn := open(t, c.calls)
			require.Equal(t, record.Good, conn.Do(t.Context(), 0).Outcome)
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			r := conn.Do(ctx, 1)
			require.Equal(t, c.outcome, r.Outcome, "%v", r.Err)
			require.Equal(t, int(c.code), r.Code)
			require.Error(t, r.Err)
			require.False(t, r.Done.Before(r.Sent))
			require.Equal(t, record.Good, conn.Do(t.Context(), 2).Outcome)
		})
	}
}

// A server's own codes are its answers, Unavailable too.
func TestCodes(t *testing.T) {
	for _, code := range []codes.Code{codes.ResourceExhausted, codes.Unavailable, codes.InvalidArgument, codes.Canceled} {
		_, _, c := open(t, fake.Calls{Code: code, Error: "queue full"})
		r := c.Do(t.Context(), 0)
		require.Equal(t, record.Status, r.Outcome, "%v", r.Err)
		require.Equal(t, int(code), r.Code)
		require.ErrorContains(t, r.Err, "queue full")
	}
}

func TestCancelled(t *testing.T) {
	_, _, c := open(t, fake.Calls{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	require.Equal(t, record.Cancelled, c.Do(ctx, 0).Outcome)
	require.Equal(t, record.Cancelled, c.Do(ctx, 1).Outcome)
}

func TestStall(t *testing.T) {
	_, _, c := open(t, fake.Calls{Stall: fake.Stall{For: time.Hour}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Equal(t, record.Timeout, c.Do(ctx, 0).Outcome)
}

func TestRefused(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{})
	require.NoError(t, err)
	target, err := NewTarget(g.Addr(), method, [][]byte{{}})
	require.NoError(t, err)
	defer target.Close()
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	require.Equal(t, record.Good, c.Do(t.Context(), 0).Outcome)
	require.NoError(t, g.Close())
	require.Eventually(t, func() bool { // the loss itself may be seen by the first call
		r := c.Do(t.Context(), 1)
		return r.Outcome == record.Refused && r.Sent.IsZero() && r.Err != nil
	}, 30*time.Second, time.Millisecond)
	_, err = target.Dial(t.Context())
	require.ErrorContains(t, err, "connect to "+g.Addr())
}

// An HTTP/1.1 server on the port is an error with a cause, not a hang.
func TestWrongProtocol(t *testing.T) {
	h, err := fake.HTTP(fake.Script{Fault: fake.Fault{Kind: fake.Garbage}})
	require.NoError(t, err)
	defer h.Close()
	target, err := NewTarget(h.Addr(), method, [][]byte{{}})
	require.NoError(t, err)
	defer target.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = target.Dial(ctx)
	require.ErrorContains(t, err, "connect to "+h.Addr())
}

func TestDialIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, never speaks
	require.NoError(t, err)
	defer l.Close()
	target, err := NewTarget(l.Addr().String(), method, [][]byte{{}})
	require.NoError(t, err)
	defer target.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = target.Dial(ctx)
	require.ErrorContains(t, err, "deadline exceeded")
}

func TestNewTargetRefuses(t *testing.T) {
	_, err := NewTarget("host:1", method, nil)
	require.ErrorContains(t, err, "there are none")
	_, err = NewTarget("http://host:1/x", method, [][]byte{{}})
	require.ErrorContains(t, err, "want host:port")
}

func TestManyConnsShareChannels(t *testing.T) {
	g, target, _ := open(t, fake.Calls{Message: []byte("x")})
	var all sync.WaitGroup
	for range 50 {
		c, err := target.Dial(t.Context())
		require.NoError(t, err)
		all.Go(func() {
			for seq := range 20 {
				if r := c.Do(t.Context(), seq); r.Outcome != record.Good || string(r.Body) != "x" {
					t.Errorf("%v: %v", r.Outcome, r.Err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, g.Arrivals(), 1000)
}
