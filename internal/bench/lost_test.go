package bench

import (
	"context"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/fakestack"
	"stackbench/internal/plan"
)

// TestALostTrialEndsTheRun has a record that cannot be written, as on a full disk.
func TestALostTrialEndsTheRun(t *testing.T) {
	r, notes := testRun(t)
	dir := r.log.Dir()
	require.NoError(t, r.log.Close())
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "right"))
	require.True(t, failed)
	require.Empty(t, trials)
	require.Contains(t, notes.String(), "# trial 1 of Embeddings/stack=fake/")
	require.Contains(t, notes.String(), " is lost: ")
	require.Contains(t, notes.String(), "--resume "+dir)
	require.NotContains(t, notes.String(), "batch=2", "the second leaf is not measured")
	require.Equal(t, plan.Lost, r.code(context.Background()))
}

func TestTheExitCodeSaysWhoEndedTheRun(t *testing.T) {
	r, _ := testRun(t)
	ctx, stop := boot.Guard(context.Background())
	defer stop()
	require.Zero(t, r.code(ctx))
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGINT))
	<-boot.Ending(ctx)
	require.Equal(t, 130, r.code(ctx))
}
