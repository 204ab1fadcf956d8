package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
)

// TestAQuotaIsSoManyCoresEverywhere: the case cpu-quota, 60 % of one core where
// two may be used. cpu-util was 58.5 % of a core of which it may use 60.
func TestAQuotaIsSoManyCoresEverywhere(t *testing.T) {
	e, err := survey(Options{Device: "cpu"})
	require.NoError(t, err)
	e.quota = 0.6
	e.client, e.cores, e.shared = cpuset.Divide(cpuset.Within([]cpuset.Set{{0}, {1}}, e.quota))
	require.Equal(t, e.client, e.cores, "one core, and it is said")
	require.NotEmpty(t, e.shared)
	require.Equal(t, 1, e.spec(stack.Stack{}, stack.Model{}).Run.Threads)
	require.InDelta(t, 0.6, e.limited(e.client), 1e-9)
	described := e.describe(context.Background())
	require.InDelta(t, 0.6, described.Machine.Quota, 1e-9)
	require.Equal(t, 1, described.Machine.Cores)
	require.Contains(t, described.Hardware(), "(a quota allows 0.6 cores' time)")

	e.quota = 2.5
	require.InDelta(t, 2, e.limited(cpuset.Set{0, 1}), 1e-9)
	require.InDelta(t, 2.5, e.limited(cpuset.Set{0, 1, 2}), 1e-9)
	e.cores = cpuset.Set{1, 2, 3}
	require.Equal(t, 2, e.spec(stack.Stack{}, stack.Model{}).Run.Threads)
}

// TestAServersQuotaIsItsOwn: a process has the client's, a container one of its own.
func TestAServersQuotaIsItsOwn(t *testing.T) {
	r, _ := testRun(t)
	r.env.quota = 1.5
	ses := r.subject(fakeStack(t, "fake", "right"), r.store.models[minilm])
	up, err := ses.server(context.Background(), textCase(1, 1), ses.stack.Serves[0], false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ses.stop(context.Background())) })
	require.InDelta(t, 1.5, up.quota, 1e-9, "a process is in the control group of the client")
	require.LessOrEqual(t, up.limited(), float64(len(up.cores)))
	require.Less(t, up.boot.ReadyIn, time.Minute)
}
