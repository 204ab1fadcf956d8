package grpcraw

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

func openStream(t *testing.T, calls fake.Calls) (*fake.GRPCServer, *StreamConn) {
	t.Helper()
	g, err := fake.GRPC(calls)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	target, err := NewStreamTarget(g.Addr(), method, [][]byte{[]byte("question")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	return g, c
}

func TestOneStreamCarriesManyRequests(t *testing.T) {
	g, c := openStream(t, fake.Calls{Message: []byte("answer"), Stays: true})
	for seq := range 5 {
		r := c.Do(t.Context(), seq)
		require.NoError(t, r.Err)
		require.Equal(t, record.Good, r.Outcome)
		require.Equal(t, "answer", string(r.Body))
		require.False(t, r.First.Before(r.Sent))
	}
	require.Len(t, g.Arrivals(), 5)
	require.Equal(t, 1, g.Streams())
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "a second time")
}

func TestAStreamThatTheServerEnds(t *testing.T) {
	g, c := openStream(t, fake.Calls{Message: []byte("answer")}) // it answers once, as to a unary call
	require.Equal(t, record.Good, c.Do(t.Context(), 0).Outcome)
	r := c.Do(t.Context(), 1)
	require.Equal(t, record.Status, r.Outcome)
	require.ErrorContains(t, r.Err, "the server ended the stream without an answer")
	require.Equal(t, record.Good, c.Do(t.Context(), 2).Outcome, "another stream")
	require.Equal(t, 2, g.Streams())
}

func TestAStreamThatFails(t *testing.T) {
	_, c := openStream(t, fake.Calls{Code: codes.ResourceExhausted, Error: "overloaded", Stays: true})
	for range 2 {
		r := c.Do(t.Context(), 0)
		require.Equal(t, record.Status, r.Outcome)
		require.Equal(t, int(codes.ResourceExhausted), r.Code)
	}
}

func TestAStreamThatIsLeft(t *testing.T) {
	_, c := openStream(t, fake.Calls{Fault: fake.Fault{Kind: fake.Silent}, Stays: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Equal(t, record.Timeout, c.Do(ctx, 0).Outcome)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, record.Cancelled, c.Do(gone, 0).Outcome)
}
