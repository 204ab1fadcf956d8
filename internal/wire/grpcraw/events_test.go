package grpcraw

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

// noted is a listener that notes messages.
type noted struct {
	heard []string
	ended int
}

func (n *noted) Begin()                              { n.heard = nil }
func (n *noted) OnEvent(message []byte, _ time.Time) { n.heard = append(n.heard, string(message)) }
func (n *noted) End(r *record.Reply)                 { n.ended++ }

// hearing is a connection to a server, and its listener.
func hearing(t *testing.T, g *fake.GRPCServer) (*EventTarget, *EventConn, *noted) {
	t.Helper()
	n := &noted{}
	target, err := NewEventTarget(g.Addr(), method, [][]byte{[]byte("question")}, Streaming{func() EventHandler { return n }, time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	return target, c, n
}

func TestMessagesAreHeardAndThinned(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{Message: []byte("answer")})
	require.NoError(t, err)
	target, c, n := hearing(t, g)
	target.dialled.Store(1000)
	kept := 0
	for seq := range 64 {
		r := c.Do(t.Context(), seq)
		require.NoError(t, r.Err)
		require.Equal(t, []string{"answer"}, n.heard)
		require.Equal(t, r.Unkept, r.Body == nil)
		if r.Unkept {
			continue
		}
		kept++
		require.NoError(t, Each(r.Body, func(m []byte) error {
			require.Equal(t, "answer", string(m))
			return nil
		}))
	}
	require.InDelta(t, 2, kept, 1, "of 64, one in 32")
	require.Equal(t, 64, n.ended)
	require.NoError(t, g.Close())
	require.Eventually(t, func() bool { return c.Do(t.Context(), 0).Outcome == record.Refused }, 10*time.Second, 10*time.Millisecond)
	n.ended = 0
	require.Equal(t, record.Refused, c.Do(t.Context(), 0).Outcome)
	require.Zero(t, n.ended, "there was no call")
}

func TestEachStopsWhereItIsRefused(t *testing.T) {
	full := errors.New("full")
	require.ErrorIs(t, Each([]byte{0, 0, 0, 1, 'a'}, func([]byte) error { return full }), full)
	require.ErrorContains(t, Each([]byte{0, 0}, nil), "cut short")
	require.ErrorContains(t, Each([]byte{255, 255, 255, 255, 0}, nil), "cut short")
	_, err := NewEventTarget("host", method, [][]byte{nil}, Streaming{})
	require.ErrorContains(t, err, "want host:port")
}
