package bench

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/usage"
)

// coresPage is a /proc/stat of cores that have all been idle for so long.
func coresPage(cores cpuset.Set, idle time.Duration) []byte {
	var b strings.Builder
	for _, core := range cores {
		fmt.Fprintf(&b, "cpu%d 0 0 0 %d 0 0 0 0 0 0\n", core, idle/(10*time.Millisecond))
	}
	return []byte(b.String())
}

// idle is a machine on which nobody else does anything, so that tests do not
// depend on what this one does.
func idle(cores cpuset.Set) func() ([]byte, error) {
	started := time.Now()
	return func() ([]byte, error) { return coresPage(cores, time.Since(started)), nil }
}

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
		return coresPage(n.cores, 0), nil
	}
	return coresPage(n.cores, time.Since(n.from)), nil
}

// besideNeighbour measures one case beside a neighbour.
func besideNeighbour(t *testing.T, n *neighbour, patience time.Duration) results.Trial {
	t.Helper()
	r, _ := testRun(t, textCase(1, 1))
	all, err := cpuset.Usable()
	require.NoError(t, err)
	n.cores, r.env.stat, r.notes.to, r.patience = all, n.stat, n, patience
	trials, failed := measured(context.Background(), t, r, fakeStack(t, "fake", "honest"))
	require.False(t, failed)
	require.Len(t, trials, 1)
	return trials[0]
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

// TestTheLeastDisturbedTryIsKept: the least disturbed of three tries is kept.
func TestTheLeastDisturbedTryIsKept(t *testing.T) {
	obs := &observation{server: &server{}}
	obs.evidence.Stack = &meter.StackUse{CPU: time.Second}
	before := obs.state()
	obs.evidence.Stack.CPU += time.Second
	obs.waiting.samples, obs.seen.Server.Percent = 4, 12
	first := obs.state()
	obs.restore(before)
	require.Equal(t, time.Second, obs.evidence.Stack.CPU)
	require.Zero(t, obs.waiting.samples)
	obs.evidence.Stack.CPU += time.Minute
	obs.restore(first)
	require.Equal(t, 2*time.Second, obs.evidence.Stack.CPU)
	require.Equal(t, 4, obs.waiting.samples)
	require.InDelta(t, 12, obs.seen.Server.Percent, 0)
	obs.evidence.Stack.CPU = 0
	require.Equal(t, 2*time.Second, first.evidence.Stack.CPU, "a state is nobody else's")
}

func TestPatienceIsTheRuns(t *testing.T) {
	trials := []results.Trial{{}, {Foreign: &results.Foreign{Spent: 40}}, {Foreign: &results.Foreign{Spent: 2.5}}}
	require.Equal(t, 42500*time.Millisecond, spent(trials))
	d, err := patienceOf(Quick)
	require.NoError(t, err)
	require.Equal(t, 2*time.Minute, d)
	t.Setenv("STACKBENCH_PATIENCE", "5s")
	d, err = patienceOf(Full)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, d)
	for _, wrong := range []string{"soon", "-1s"} {
		t.Setenv("STACKBENCH_PATIENCE", wrong)
		_, err = patienceOf(Quick)
		require.ErrorContains(t, err, "is no time\nwrite how long")
	}
}

// TestSomebodyElseIsNamed: in the words of the wait.
func TestSomebodyElseIsNamed(t *testing.T) {
	cc1 := &usage.Holder{PID: 4711, Name: "cc1", Core: 1, CPU: 410 * time.Millisecond}
	require.Equal(t, "41 % of core 1 is somebody else's: 4711 cc1", somebody(meter.Foreign{}, cc1, time.Second))
	f := meter.Foreign{Server: meter.Share{Percent: 41}}
	require.Equal(t, "41 % of the server's cores is somebody else's, whose processes cannot be seen from here", somebody(f, nil, time.Second))
	f = meter.Foreign{Server: meter.Share{Percent: 1, Steal: 7}}
	require.Equal(t, "7 % of the cores is another virtual machine's", somebody(f, nil, time.Second))
}

// TestAttachedIsUnknown: what an attached server uses cannot be told from what others do.
func TestAttachedIsUnknown(t *testing.T) {
	s := &boot.Server{Launcher: "attach"}
	o := company(&environment{client: cpuset.Set{0}, cores: cpuset.Set{1}}, s)
	require.Contains(t, o.unknown, "the server is attached")
	o.open()
	f := o.shut()
	require.Contains(t, f.Unknown, "the server is attached")
	invalid, doubts := f.Broken(true)
	require.Empty(t, invalid)
	require.Empty(t, doubts)
}
