package model

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrepareFromLocalCopy(t *testing.T) {
	data := publishedFile(t)
	published, _ := hub(t, data)
	s, notes := newStore(t, published)
	s.Local = t.TempDir()
	_, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Contains(t, (*notes)[0], "is not under STACKBENCH_MODEL_DIR")

	dir := filepath.Join(s.Local, small)
	require.NoError(t, os.Mkdir(dir, 0o755))
	own := bytes.Clone(data)
	own[len(own)-1] ^= 1
	require.NoError(t, os.WriteFile(filepath.Join(dir, WeightsFile), own, 0o644))
	for range 2 {
		m, err := s.Prepare(t.Context(), small, Auto, nil)
		require.NoError(t, err)
		require.Equal(t, Provenance{Source: Local, SHA256: sum(own), Detail: "local copy"}, m.Weights)
	}
	require.FileExists(t, filepath.Join(dir, WeightsFile), "the user's file stays")

	require.NoError(t, os.WriteFile(filepath.Join(dir, WeightsFile), data, 0o644))
	m, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, Hub, m.Weights.Source, "the published bytes are the published weights")

	require.NoError(t, os.WriteFile(filepath.Join(dir, WeightsFile), data[:len(data)/2], 0o644))
	_, err = s.Prepare(t.Context(), small, Auto, nil)
	requireTwoLines(t, err, "local copy "+filepath.Join(dir, WeightsFile)+": safetensors: ", "replace the copy")
	m, err = s.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err)
	require.Equal(t, Seeded, m.Weights.Source)
}

// A folder that is not there is a slip of the hand: other weights than the
// user's would be measured without a word.
func TestAFolderOfModelsThatIsNotThereIsRefused(t *testing.T) {
	s, _ := newStore(t)
	_, err := s.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err)
	s.Local = filepath.Join(t.TempDir(), "gone")
	_, err = s.Prepare(t.Context(), small, Auto, nil)
	requireTwoLines(t, err, "prepare "+small+": STACKBENCH_MODEL_DIR: stat "+s.Local, "name a folder that is there")
	_, err = s.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err, "seeded weights are asked of no folder")
}

func TestPreparedModelIsALocalCopyElsewhere(t *testing.T) {
	first, _ := newStore(t)
	want, err := first.Prepare(t.Context(), small, Seeded, nil)
	require.NoError(t, err)
	second, _ := newStore(t, gone(nil))
	second.Local = first.Dir
	got, err := second.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, want.Weights, got.Weights)
}

func TestLocalPickleMustBeThePublishedOne(t *testing.T) {
	s, _ := newStore(t, origin{source: Package, weights: file{from: "a/model.pth", sha256: sum(nil), format: pickle}})
	s.Local = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(s.Local, small), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.Local, small, "model.pth"), []byte("another"), 0o644))
	_, err := s.Prepare(t.Context(), small, Auto, nil)
	requireTwoLines(t, err, "local copy: model.pth has sha256", "replace the copy")
}
