package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAServersQuotaIsItsOwn: a process has the client's, a container one of its own.
func TestAServersQuotaIsItsOwn(t *testing.T) {
	r, _ := testRun(t)
	r.Host.Quota = 1.5
	ses := r.Subject(fakeStack(t, "fake", "right"), r.Golden.Models[minilm])
	up, err := ses.Server(context.Background(), textCase(1, 1), ses.Stack.Serves[0], false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ses.Stop(context.Background())) })
	require.InDelta(t, 1.5, up.Quota, 1e-9, "a process is in the control group of the client")
	require.LessOrEqual(t, up.Limited(), float64(len(up.Cores)))
	require.Less(t, up.Boot.ReadyIn, time.Minute)
}
