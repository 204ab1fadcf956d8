package golden

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/stack"
)

// TestAStandInIsKept beside the weights, and made again where the file is damaged.
func TestAStandInIsKept(t *testing.T) {
	s, m := newStore(t), otherWeights(t)
	s.Reference = fakestack.New(t, "reference", "right")
	require.Equal(t, minilm+": the golden answers are of other weights; answers are held against those of "+maker, s.StandIn(context.Background(), m))

	files, err := filepath.Glob(s.Host.Cache + "/models/" + minilm + "/reference-abababababab-*.safetensors")
	require.NoError(t, err)
	require.Len(t, files, 1)
	kept := m.Golden
	m.Golden, m.sought = nil, false
	s.Reference = fakestack.New(t, "reference", "dies=0") // it would fail if it were asked again
	require.Contains(t, s.StandIn(context.Background(), m), "answers are held against")
	require.Equal(t, kept, m.Golden)

	require.NoError(t, os.WriteFile(files[0], []byte("half"), 0o644))
	m.Golden, m.sought = nil, false
	require.Contains(t, s.StandIn(context.Background(), m), "cannot make reference answers: start reference: the server exited with code 3")
	require.Nil(t, m.Golden, "a damaged file is no reference")
}

func TestInterruptionIsNotRemembered(t *testing.T) {
	s := newStore(t)
	m := otherWeights(t)
	s.Reference = fakestack.New(t, "reference", "right")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Empty(t, s.StandIn(ctx, m))
	require.False(t, m.sought)
	require.Nil(t, m.Golden)
}

// TestTheStandInAsksForItsLibrary: none of the measured stacks loads one, so
// nobody else did.
func TestTheStandInAsksForItsLibrary(t *testing.T) {
	s := newStore(t, stack.Stack{Name: "other"})
	m := otherWeights(t)
	s.Reference = fakestack.New(t, "reference", "right")
	s.Reference.Process.Needs = stack.ONNXRuntime
	t.Setenv("STACKBENCH_ORT_LIB", filepath.Join(t.TempDir(), "libonnxruntime.so")) // every search fails, with no network asked
	require.NoError(t, s.Host.FindLibrary(context.Background(), nil))
	require.Contains(t, s.StandIn(context.Background(), m), "find the library of reference: STACKBENCH_ORT_LIB")

	s.Reference.Process.Needs, m.sought = "", false
	_, err := s.ReferenceSession(context.Background(), m)
	require.NoError(t, err)
}
