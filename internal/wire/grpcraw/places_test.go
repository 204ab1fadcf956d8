package grpcraw

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

// Where a server takes two calls on a connection, nine users have five: none
// waits for another's call to end.
func TestChannelsAreAddedWhereTheServerTakesFewCalls(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{Message: []byte("x"), Delay: time.Hour, Limit: 2})
	require.NoError(t, err)
	defer g.Close()
	target, err := NewTarget(g.Addr(), method, [][]byte{[]byte("question")})
	require.NoError(t, err)
	defer target.Close()
	conns := make([]*Conn, 9)
	var dials sync.WaitGroup
	for i := range conns {
		dials.Go(func() {
			c, err := target.Dial(t.Context())
			if err != nil {
				t.Error(err)
			}
			conns[i] = c
		})
	}
	dials.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for _, c := range conns {
		calls.Go(func() { c.Do(ctx, 0) })
	}
	require.Eventually(t, func() bool { return g.Streams() == len(conns) }, time.Minute, time.Millisecond, "all are under way at once")
	cancel()
	calls.Wait()
	channels := len(target.places.all())
	require.GreaterOrEqual(t, channels, 5)
	for _, c := range target.places.all() {
		require.LessOrEqual(t, c.conns, 2)
	}
	for _, c := range conns {
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "a second time")
	}
	for range conns {
		c, err := target.Dial(t.Context())
		require.NoError(t, err)
		defer c.Close()
	}
	require.Len(t, target.places.all(), channels, "places that were given back are taken")
}

// A stream that finds no place, because the server says one thing and does
// another, ends with its request.
func TestAStreamThatFindsNoPlace(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{Message: []byte("x"), Stays: true, Limit: 1})
	require.NoError(t, err)
	defer g.Close()
	target, err := NewStreamTarget(g.Addr(), method, [][]byte{[]byte("question")})
	require.NoError(t, err)
	defer target.Close()
	first, err := target.Dial(t.Context())
	require.NoError(t, err)
	require.Equal(t, record.Good, first.Do(t.Context(), 0).Outcome)
	second := &StreamConn{conn: &Conn{target: target.target, channel: first.conn.channel}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Equal(t, record.Timeout, second.Do(ctx, 0).Outcome)
	gone, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	require.Equal(t, record.Cancelled, second.Do(gone, 0).Outcome)
	require.NoError(t, first.Close())
	require.Equal(t, record.Good, second.Do(t.Context(), 0).Outcome, "the place is free")
	second.leave()
}

func TestSettings(t *testing.T) {
	frame := []byte{0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0, 0, 3, 0, 0, 0, 100}
	for piece := 1; piece <= len(frame); piece++ {
		var s settings
		var got uint32
		for b := frame; len(b) > 0; b = b[min(piece, len(b)):] {
			if limit, told := s.read(b[:min(piece, len(b))]); told {
				require.Zero(t, got)
				got = limit
			}
		}
		require.EqualValues(t, 100, got)
		require.True(t, s.over)
		_, told := s.read(frame)
		require.False(t, told, "only the first frame is asked")
	}
	for _, b := range [][]byte{nil, {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 9}, {0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9}, {255, 255, 255, 4, 0, 0, 0, 0, 0}, []byte("HTTP/1.1 400 Bad Request")} {
		var s settings
		_, told := s.read(b)
		require.False(t, told)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte{0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		var s settings
		for len(b) > 0 {
			n := min(int(piece)+1, len(b))
			s.read(b[:n])
			b = b[n:]
			require.LessOrEqual(t, len(s.frame), frameHead+maxFrame)
		}
	})
}
