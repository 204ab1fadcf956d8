package bench

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/host"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// noLibrary makes every search for ONNX Runtime fail, with no network asked.
func noLibrary(t *testing.T, e *host.Host) {
	t.Helper()
	e.Library = ""
	t.Setenv("STACKBENCH_ORT_LIB", filepath.Join(t.TempDir(), "libonnxruntime.so"))
}

// TestAGPURunDoesNotWantTheCPULibrary: the stacks that load it are skipped there.
func TestAGPURunDoesNotWantTheCPULibrary(t *testing.T) {
	r, _ := testRun(t)
	noLibrary(t, r.Host)
	r.set(func(o *suite.Options) { o.Stacks = []stack.Stack{fakeStack(t, "fake", "right"), {Name: "other"}} })
	require.ErrorContains(t, r.Host.FindLibrary(context.Background(), nil), "STACKBENCH_ORT_LIB")
	r.Host.Device = stack.GPU
	require.NoError(t, r.Host.FindLibrary(context.Background(), nil))
	refusal, err := r.Host.Refusal(context.Background(), r.Options.Stacks[0])
	require.NoError(t, err)
	require.Contains(t, refusal, "it has no GPU build")
}

// TestWhoNeedsNoLibraryIsGivenNone: that a stack is a Go program says nothing.
func TestWhoNeedsNoLibraryIsGivenNone(t *testing.T) {
	r, _ := testRun(t)
	noLibrary(t, r.Host)
	s := fakeStack(t, "fake", "right")
	r.set(func(o *suite.Options) { o.Stacks = []stack.Stack{s} })
	require.ErrorContains(t, r.Host.FindLibrary(context.Background(), nil), "STACKBENCH_ORT_LIB")
	s.Process.Needs = ""
	require.NoError(t, r.Host.FindLibrary(context.Background(), nil))
}

// TestTheStandInAsksForItsLibrary: none of the measured stacks loads one, so
// nobody else did.
func TestTheStandInAsksForItsLibrary(t *testing.T) {
	r, _ := testRun(t)
	m := otherWeights(r)
	r.set(func(o *suite.Options) { o.Stacks = []stack.Stack{{Name: "other"}} })
	r.Golden.Of = fakeStack(t, "reference", "right")
	noLibrary(t, r.Host)
	require.NoError(t, r.Host.FindLibrary(context.Background(), nil))
	require.Contains(t, r.Golden.Refer(context.Background(), m), "find the library of reference: STACKBENCH_ORT_LIB")

	r.Host.Library, m.Sought = "fake: no test loads it", false
	ses, err := r.Golden.Helper(context.Background(), m)
	require.NoError(t, err)
	require.Equal(t, r.Host.Library, r.Host.Spec(ses.Stack, m.Model).Run.Library)
}
