package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOpening(t *testing.T) {
	chunks := make([]time.Duration, 4)
	for name, c := range map[string]struct {
		out   Output
		n     int
		known bool
	}{
		"the server says":        {Output{Chunks: chunks, Tokens: 9, Opened: 3}, 3, true},
		"one token a chunk":      {Output{Chunks: chunks, Tokens: 4}, 1, true},
		"several tokens a chunk": {Output{Chunks: chunks, Tokens: 9}, 0, false},
		"nothing is counted":     {Output{Chunks: chunks}, 0, false},
		"no chunk":               {Output{}, 0, false},
	} {
		n, known := c.out.Opening()
		require.Equal(t, c.n, n, name)
		require.Equal(t, c.known, known, name)
	}
}

func TestClosing(t *testing.T) {
	chunks := []time.Duration{10, 20}
	for name, c := range map[string]struct {
		out   Output
		n     int
		at    time.Duration
		known bool
	}{
		"counted with the last text":  {Output{Chunks: chunks, Tokens: 5, Opened: 3, Events: 2, Last: 20, Counted: 5}, 5, 20, true},
		"tokens behind the last text": {Output{Chunks: chunks, Tokens: 8, Opened: 1, Events: 8, Last: 90, Counted: 8}, 8, 90, true},
		"more told at the end":        {Output{Chunks: chunks, Tokens: 8, Opened: 1, Events: 2, Last: 20, Counted: 2}, 2, 20, true},
		"one token a chunk":           {Output{Chunks: chunks, Tokens: 2, Events: 2, Last: 20}, 2, 20, true},
		"uncounted":                   {Output{Chunks: chunks, Tokens: 8, Opened: 1, Events: 2, Last: 20}, 0, 0, false},
		"no chunk":                    {Output{Tokens: 3}, 0, 0, false},
	} {
		n, at, known := c.out.Closing()
		require.Equal(t, c.n, n, name)
		require.Equal(t, c.at, at, name)
		require.Equal(t, c.known, known, name)
	}
}

func TestKind(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range Outcomes() {
		require.Equal(t, o.String(), Record{Outcome: o}.Kind())
		require.NotEqual(t, "unknown", o.String())
		require.False(t, seen[o.String()])
		seen[o.String()] = true
	}
	require.Equal(t, "status 429", Record{Outcome: Status, Code: 429}.Kind())
	require.Equal(t, "unknown", Outcome(200).String())
}

// With up to 32 connections every answer is held; with more, one in a power of
// two, evenly, so that as many as that are held at once.
func TestWhole(t *testing.T) {
	for conns, one := range map[int]int{0: 1, 1: 1, 32: 1, 33: 2, 64: 2, 65: 4, 1000: 32, 1024: 32} {
		held := 0
		for seq := range 1 << 12 {
			if Whole(seq, conns) {
				held++
			}
		}
		require.InDelta(t, 1<<12/one, held, 3, "%d connections", conns)
	}
}
