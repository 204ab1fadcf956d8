package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// TestAStackIsMeasuredAgain: the second time in a trial, its first windows are,
// and they are recorded as no sample of its own.
func TestAStackIsMeasuredAgain(t *testing.T) {
	over := textCase(1, 1)
	over.Proto = stack.GRPC // which the fake does not serve
	knee := textCase(1, 0)
	knee.Load = suite.Knee(1)
	r, _ := testRun(t, over, knee, textCase(1, 1), textCase(2, 2), textCase(4, 1))
	r.set(func(o *suite.Options) { o.Record.Again = 2 })
	s := fakestack.New(t, "fake", "right")
	require.Equal(t, []suite.Case{textCase(1, 1), textCase(2, 2)}, r.Options.Cases(r.Group, s))
	trials, failed := measured(context.Background(), t, r, s)
	require.False(t, failed)
	require.Len(t, trials, 2)
	for _, one := range trials {
		require.True(t, one.Again)
		require.Empty(t, one.BenchLine())
	}
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	require.False(t, kept.Done()[results.Done{Name: trials[0].Name, Trial: 1}], "the first time is still to come")
	require.True(t, kept.Done()[results.Done{Name: trials[0].Name, Trial: 1, Again: true}])
}
