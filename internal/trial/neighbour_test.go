package trial

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/fakestack"
	"stackbench/internal/meter"
	"stackbench/internal/results"
)

// neighbour is somebody else who uses all cores until it is told to stop. It
// hears what is said, and may stop at a word.
type neighbour struct {
	bytes.Buffer
	cores cpuset.Set
	quiet atomic.Bool
	stops string // the word; "" for none
	from  time.Time
}

func (n *neighbour) Write(p []byte) (int, error) {
	if n.stops != "" && strings.Contains(string(p), n.stops) {
		n.from = time.Now()
		n.quiet.Store(true)
	}
	return n.Buffer.Write(p)
}

func (n *neighbour) stat() ([]byte, error) {
	if !n.quiet.Load() {
		return fakestack.CoresPage(n.cores, 0), nil
	}
	return fakestack.CoresPage(n.cores, time.Since(n.from)), nil
}

// besideNeighbour measures one case beside a neighbour.
func besideNeighbour(t *testing.T, n *neighbour, patience time.Duration) results.Trial {
	t.Helper()
	r, _ := testRig(t, textCase(1, 1))
	all, err := cpuset.Usable()
	require.NoError(t, err)
	n.cores, r.Host.Stat, r.Notes.to, r.patience = all, n.stat, n, patience
	s := fakestack.New(t, "fake", "honest")
	leaf := Leaf{Subject: r.Subject(s, r.Golden.Models[minilm]), Case: textCase(1, 1), How: s.Serves[0]}
	t.Cleanup(func() { require.NoError(t, leaf.Subject.End(context.Background())) })
	var one results.Trial
	testing.Benchmark(func(b *testing.B) { one, err = r.Measure(context.Background(), b, leaf) })
	require.NoError(t, err)
	return one
}

// TestADisturbedWindowIsMeasuredAgain: the neighbour stops while it is waited
// for, so that the second window is the one that counts.
func TestADisturbedWindowIsMeasuredAgain(t *testing.T) {
	n := &neighbour{stops: "waiting: "}
	one := besideNeighbour(t, n, time.Minute)
	for _, why := range append(one.Invalid, one.Doubts...) {
		require.NotEqual(t, string(meter.RuleForeign), why.Rule, why.Text)
	}
	require.Equal(t, 2, one.Foreign.Tries)
	require.Greater(t, one.Foreign.Spent, 1.0)
	require.Zero(t, one.Foreign.Server.Percent)
	require.Regexp(t, `(?m)^# waiting: \d+ % of (core \d+|the (server|client)'s cores) is somebody else's`, n.String())
	require.Less(t, one.Seconds, 1.0, "one window, not both")
	require.Less(t, one.Metrics["cpu-util"], 150.0, "the CPU of one window, not of both")
}

// TestANeighbourWhoStays: what remains is shown with its reason, and the run
// does not wait for ever.
func TestANeighbourWhoStays(t *testing.T) {
	n := &neighbour{}
	one := besideNeighbour(t, n, 1500*time.Millisecond)
	require.Equal(t, string(meter.RuleForeign), one.Invalid[0].Rule)
	require.Equal(t, 1, one.Foreign.Tries)
	require.Greater(t, one.Foreign.Server.Percent, 10.0)
	require.Contains(t, n.String(), "# not quiet after 2s: the window stays as it is\n")
	require.Contains(t, n.String(), "# the time that a run waits for others is used up")

	n = &neighbour{}
	one = besideNeighbour(t, n, 0)
	require.Equal(t, 1, one.Foreign.Tries)
	require.NotContains(t, n.String(), "waiting")
}
