package grpcraw

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

// A message over the bound is a failure of its own kind, and the next is heard.
func TestAMessageOverTheBound(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{Message: make([]byte, 2<<20)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	target, err := NewTarget(g.Addr(), method, [][]byte{[]byte("question")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	target.Bound(1 << 20)
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	for range 2 {
		r := c.Do(t.Context(), 0)
		require.Equal(t, record.Oversize, r.Outcome, "%v", r.Err)
		require.Zero(t, r.Code, "the server did not refuse")
	}
	target.Bound(2 << 20)
	require.Equal(t, record.Good, c.Do(t.Context(), 0).Outcome)

	// A server that finds the request too large says so in the same words.
	require.False(t, target.refused(status.New(codes.ResourceExhausted, "grpc: received message larger than max (5000000 vs. 4194304)")))
}
