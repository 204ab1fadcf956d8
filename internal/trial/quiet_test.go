package trial

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/usage"
)

func TestPatienceIsTheRuns(t *testing.T) {
	trials := []results.Trial{{}, {Foreign: &results.Foreign{Spent: 40}}, {Foreign: &results.Foreign{Spent: 2.5}}}
	require.Equal(t, 42500*time.Millisecond, spent(trials))
	d, err := patienceOf(suite.Quick)
	require.NoError(t, err)
	require.Equal(t, 2*time.Minute, d)
	t.Setenv("STACKBENCH_PATIENCE", "5s")
	d, err = patienceOf(suite.Full)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, d)
	for _, wrong := range []string{"soon", "-1s"} {
		t.Setenv("STACKBENCH_PATIENCE", wrong)
		_, err = patienceOf(suite.Quick)
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
	o := company(&host.Host{Client: cpuset.Set{0}, Cores: cpuset.Set{1}}, s)
	require.Contains(t, o.unknown, "the server is attached")
	o.open()
	f := o.shut()
	require.Contains(t, f.Unknown, "the server is attached")
	invalid, doubts := f.Broken(true)
	require.Empty(t, invalid)
	require.Empty(t, doubts)
}

// TestTheLeastDisturbedTryIsKept: the least disturbed of three tries is kept.
func TestTheLeastDisturbedTryIsKept(t *testing.T) {
	obs := &observation{server: &host.Server{}}
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
