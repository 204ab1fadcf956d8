package host

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// TestAQuotaIsSoManyCoresEverywhere: the case cpu-quota, 60 % of one core where
// two may be used. cpu-util was 58.5 % of a core of which it may use 60.
func TestAQuotaIsSoManyCoresEverywhere(t *testing.T) {
	h, err := Survey(suite.Options{Start: suite.Start{Device: "cpu"}})
	require.NoError(t, err)
	h.quota = 0.6
	h.Client, h.Cores, h.Shared = cpuset.Divide(cpuset.Within([]cpuset.Set{{0}, {1}}, h.quota))
	require.Equal(t, h.Client, h.Cores, "one core, and it is said")
	require.NotEmpty(t, h.Shared)
	require.Equal(t, 1, h.spec(stack.Stack{}, stack.Model{}).Run.Threads)
	require.InDelta(t, 0.6, h.limited(h.Client), 1e-9)
	described := h.Describe(context.Background())
	require.InDelta(t, 0.6, described.Machine.Quota, 1e-9)
	require.Equal(t, 1, described.Machine.Cores)
	require.Contains(t, described.Hardware(), "(a quota allows 0.6 cores' time)")

	h.quota = 2.5
	require.InDelta(t, 2, h.limited(cpuset.Set{0, 1}), 1e-9)
	require.InDelta(t, 2.5, h.limited(cpuset.Set{0, 1, 2}), 1e-9)
	h.Cores = cpuset.Set{1, 2, 3}
	require.Equal(t, 2, h.spec(stack.Stack{}, stack.Model{}).Run.Threads)
}
