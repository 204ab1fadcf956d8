package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// A record holds a stream's chunks for itself: the client uses its own again.
// Of a stream whose bytes were let go there is no answer to keep.
func TestStreamsAreCopiedAndKept(t *testing.T) {
	r := &run{plan: Plan{Window: time.Hour}}
	r.keeper.budget = 1000
	w := &worker{run: r}
	out := &record.Output{Chunks: []time.Duration{1, 2, 3}, Tokens: 4, Opened: 2}
	w.note(0, 0, record.Reply{Body: []byte("text"), Output: out})
	w.note(1, 1, record.Reply{Unkept: true, Output: out})
	w.note(2, 2, record.Reply{Outcome: record.Cut, Output: out})
	out.Chunks[0], out.Tokens = 9, 9
	w.note(3, 3, record.Reply{})
	got := r.collect([]worker{*w}, &ledger{})
	for _, rec := range got[:3] {
		require.Equal(t, &record.Output{Chunks: []time.Duration{1, 2, 3}, Tokens: 4, Opened: 2}, rec.Output)
	}
	require.Nil(t, got[3].Output)
	require.NotNil(t, got[0].Answer)
	require.Nil(t, got[1].Answer)
	require.Nil(t, got[2].Answer)
}
