package bench

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// noLibrary makes every search for ONNX Runtime fail, with no network asked.
func noLibrary(t *testing.T, e *environment) {
	t.Helper()
	e.library = ""
	t.Setenv("STACKBENCH_ORT_LIB", filepath.Join(t.TempDir(), "libonnxruntime.so"))
}

// TestAGPURunDoesNotWantTheCPULibrary: the stacks that load it are skipped there.
func TestAGPURunDoesNotWantTheCPULibrary(t *testing.T) {
	r, _ := testRun(t)
	noLibrary(t, r.env)
	r.set(func(o *Options) { o.Stacks = []stack.Stack{fakeStack(t, "fake", "right"), {Name: "other"}} })
	require.ErrorContains(t, r.env.findLibrary(context.Background(), nil), "STACKBENCH_ORT_LIB")
	r.env.device = stack.GPU
	require.NoError(t, r.env.findLibrary(context.Background(), nil))
	refusal, err := r.env.refusal(context.Background(), r.options.Stacks[0])
	require.NoError(t, err)
	require.Contains(t, refusal, "it has no GPU build")
}

// TestWhoNeedsNoLibraryIsGivenNone: that a stack is a Go program says nothing.
func TestWhoNeedsNoLibraryIsGivenNone(t *testing.T) {
	r, _ := testRun(t)
	noLibrary(t, r.env)
	s := fakeStack(t, "fake", "right")
	r.set(func(o *Options) { o.Stacks = []stack.Stack{s} })
	require.ErrorContains(t, r.env.findLibrary(context.Background(), nil), "STACKBENCH_ORT_LIB")
	s.Process.Needs = ""
	require.NoError(t, r.env.findLibrary(context.Background(), nil))
}

// TestTheStandInAsksForItsLibrary: none of the measured stacks loads one, so
// nobody else did.
func TestTheStandInAsksForItsLibrary(t *testing.T) {
	r, _ := testRun(t)
	m := otherWeights(r)
	r.set(func(o *Options) { o.Stacks = []stack.Stack{{Name: "other"}} })
	r.store.of = fakeStack(t, "reference", "right")
	noLibrary(t, r.env)
	require.NoError(t, r.env.findLibrary(context.Background(), nil))
	require.Contains(t, r.store.refer(context.Background(), m), "find the library of reference: STACKBENCH_ORT_LIB")

	r.env.library, m.sought = "fake: no test loads it", false
	ses, err := r.store.helper(context.Background(), m)
	require.NoError(t, err)
	require.Equal(t, r.env.library, r.env.spec(ses.stack, m.Model).Run.Library)
}
