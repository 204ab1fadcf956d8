package bench

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// TestReadyAndEmpty replays a Triton that was READY and answered with nothing,
// as numpy 2 makes it: the start fails at once, and the error names the cause.
func TestReadyAndEmpty(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/captures/triton/empty.http")
	require.NoError(t, err)
	script, err := fake.Capture(raw)
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	t.Setenv("STACKBENCH_ATTACH_TRITON", f.Addr())
	r, _ := testRun(t, textCase(1, 1))
	r.set(func(o *suite.Options) { o.Start.Launcher = "" })
	trials, failed := measured(context.Background(), t, r, stack.Stack{
		Name:   "triton",
		Serves: []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OIP}},
	})
	require.True(t, failed)
	require.Len(t, trials, 1)
	require.Contains(t, trials[0].Error, "attach triton: "+f.Addr()+" answers, but the answer is wrong: ")
	require.Contains(t, trials[0].Error, "is empty (shape [1 384], 0 bytes): a Triton Python backend with numpy 2 answers so, it needs numpy<2")
	require.Len(t, f.Arrivals(), 2, "it was asked twice, and not for the whole limit")
}
