package torch_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model/torch"
)

func TestReadLaysTensorsOutInRows(t *testing.T) {
	columns := make([]float32, 0, 24)
	for c := range 4 {
		for a := range 2 {
			for b := range 3 {
				columns = append(columns, float32(12*a+4*b+c))
			}
		}
	}
	want := map[string]torch.Tensor{
		"rows":      {Shape: []int64{2, 3}, Data: []float32{0, 1, 2, 3, 4, 5}},
		"columns":   {Shape: []int64{4, 2, 3}, Data: columns},
		"tail":      {Shape: []int64{4}, Data: []float32{20, 21, 22, 23}},
		"scalar":    {Shape: []int64{}, Data: []float32{7.5}},
		"parameter": {Shape: []int64{1, 2}, Data: []float32{1, -2}},
	}
	for _, name := range []string{"zip.pth", "legacy.pth", "plain.pth"} {
		got, err := torch.Read(filepath.Join("testdata", name))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestReadRefuses(t *testing.T) {
	_, err := torch.Read("testdata/list.pth")
	require.ErrorContains(t, err, "is no state dict")
	_, err = torch.Read("testdata/none.pth")
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, name := range []string{"zip.pth", "legacy.pth"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		half := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(half, data[:len(data)/2], 0o644))
		_, err = torch.Read(half)
		require.ErrorContains(t, err, "read "+half)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"zip.pth", "legacy.pth", "list.pth"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "f.pth")
		require.NoError(t, os.WriteFile(path, data, 0o644))
		state, err := torch.Read(path)
		if err != nil {
			return
		}
		for name, tensor := range state {
			n := int64(1)
			for _, d := range tensor.Shape {
				n *= d
			}
			require.Len(t, tensor.Data, int(n), name)
		}
	})
}
