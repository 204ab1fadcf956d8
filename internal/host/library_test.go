package host

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/stack"
)

// noLibrary makes every search for ONNX Runtime fail, with no network asked.
func noLibrary(t *testing.T) {
	t.Helper()
	t.Setenv("STACKBENCH_ORT_LIB", filepath.Join(t.TempDir(), "libonnxruntime.so"))
}

// onORT is a stack that loads ONNX Runtime's library.
func onORT(t *testing.T) stack.Stack {
	t.Helper()
	s := fakestack.New(t, "fake", "right")
	s.Process.Needs = stack.ONNXRuntime
	return s
}

// TestAGPURunDoesNotWantTheCPULibrary: the stacks that load it are skipped there.
func TestAGPURunDoesNotWantTheCPULibrary(t *testing.T) {
	h := asked(t, onORT(t), stack.Stack{Name: "other"})
	noLibrary(t)
	require.ErrorContains(t, h.FindLibrary(context.Background(), nil), "STACKBENCH_ORT_LIB")
	h.Device = stack.GPU
	require.NoError(t, h.FindLibrary(context.Background(), nil))
	refusal, err := h.Refusal(context.Background(), h.Options.Stacks[0])
	require.NoError(t, err)
	require.Contains(t, refusal, "it has no GPU build")
}

// TestWhoNeedsNoLibraryIsGivenNone: that a stack is a Go program says nothing.
func TestWhoNeedsNoLibraryIsGivenNone(t *testing.T) {
	s := onORT(t)
	h := asked(t, s)
	noLibrary(t)
	require.ErrorContains(t, h.FindLibrary(context.Background(), nil), "STACKBENCH_ORT_LIB")
	s.Process.Needs = ""
	require.NoError(t, h.FindLibrary(context.Background(), nil))
}

// TestTheLibraryIsHandedOn, and looked for once.
func TestTheLibraryIsHandedOn(t *testing.T) {
	h := asked(t)
	noLibrary(t)
	h.library = "fake: no test loads it"
	require.NoError(t, h.FetchLibrary(context.Background(), nil))
	require.Equal(t, h.library, h.spec(onORT(t), stack.Model{}).Run.Library)
}

func TestGPUNeedsAGPUBuild(t *testing.T) {
	h := asked(t)
	h.Device = stack.GPU
	refusal, err := h.Refusal(context.Background(), fakestack.New(t, "fake", "right"))
	require.NoError(t, err)
	require.Equal(t, "it has no GPU build: measure it with -device=cpu", refusal)
}
