package onnx

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

// loaded is the library's version; ONNX Runtime can be loaded once a process.
var loaded = sync.OnceValues(func() (string, error) {
	path, err := tiny.Library()
	if err != nil {
		return "", err
	}
	return Load(path)
})

func needLibrary(t testing.TB) {
	t.Helper()
	_, err := loaded()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	require.NoError(t, err)
}

func open(t testing.TB, name string, threads int) (*Session, *store.Model) {
	t.Helper()
	needLibrary(t)
	m, err := store.Open(tiny.Store(t), name)
	require.NoError(t, err)
	s, err := Open(m, stack.CPU, threads)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, m
}

// images is a batch of n images that differ from each other.
func images(n int) []tensor.Tensor {
	in := tensor.Tensor{Name: "pixel_values", Type: tensor.FP32, Shape: []int64{int64(n), 3, tiny.Side, tiny.Side}}
	for i := range n * 3 * tiny.Side * tiny.Side {
		in.F32 = append(in.F32, float32((i*i+7*i)%101)/50-1)
	}
	return []tensor.Tensor{in}
}

func requireClose(t testing.TB, want, got tensor.Tensor) {
	t.Helper()
	require.Equal(t, want.Name, got.Name)
	require.Equal(t, want.Shape, got.Shape)
	require.InDeltaSlice(t, want.F32, got.F32, 1e-5)
}

func TestRunEqualsTheArithmeticInGo(t *testing.T) {
	for _, threads := range []int{1, 2} {
		s, _ := open(t, tiny.Image, threads)
		for _, n := range []int{1, 3, 32, 2} { // shapes may change from call to call
			got, err := s.Run(images(n))
			require.NoError(t, err)
			want, err := tiny.Graph(tiny.Image).Run(images(n))
			require.NoError(t, err)
			requireClose(t, want, got)
		}
	}
	s, m := open(t, tiny.Text, 1)
	in := service.WarmUp(m)
	in[0].I64 = []int64{2, 4, 5, 6, 3, 0, 0, 0}
	in[1].I64 = []int64{1, 1, 1, 1, 1, 0, 0, 0}
	got, err := s.Run(in)
	require.NoError(t, err)
	want, err := tiny.Graph(tiny.Text).Run(in)
	require.NoError(t, err)
	requireClose(t, want, got)
}

func TestRunConcurrently(t *testing.T) {
	s, _ := open(t, tiny.Image, 1)
	var group sync.WaitGroup
	for n := 1; n <= 8; n++ {
		want, err := tiny.Graph(tiny.Image).Run(images(n))
		require.NoError(t, err)
		group.Go(func() {
			for range 20 {
				got, err := s.Run(images(n))
				if err != nil || !near(got.F32, want.F32) {
					t.Errorf("batch of %d: %v, or another batch's answer", n, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func near(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return max(x-y, y-x) < 1e-5 })
}

func TestWarmUpRuns(t *testing.T) {
	for _, name := range []string{tiny.Image, tiny.Text} {
		s, m := open(t, name, 1)
		_, err := s.Run(service.WarmUp(m))
		require.NoError(t, err)
	}
}

func TestRunErrors(t *testing.T) {
	s, m := open(t, tiny.Text, 1)
	in := service.WarmUp(m)
	in[0].I64[0] = 99
	_, err := s.Run(in)
	require.ErrorContains(t, err, "out of data bounds")
	in[0].Type = tensor.BYTES
	_, err = s.Run(in)
	require.ErrorContains(t, err, "takes no BYTES")
}

func TestOpenRefusesABrokenGraph(t *testing.T) {
	needLibrary(t)
	m, err := store.Open(tiny.Store(t), tiny.Image)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(m.Path(m.Whole()), []byte("no graph"), 0o644))
	_, err = Open(m, stack.CPU, 1)
	require.ErrorContains(t, err, "session of tiny-image")
}

func TestGPUNeedsACUDALibrary(t *testing.T) {
	needLibrary(t)
	m, err := store.Open(tiny.Store(t), tiny.Image)
	require.NoError(t, err)
	s, err := Open(m, stack.GPU, 1)
	if err == nil { // a machine with an NVIDIA driver and a GPU build
		require.NoError(t, s.Close())
		return
	}
	require.ErrorContains(t, err, "CUDA provider")
}

func TestLoadErrors(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "missing.so"))
	require.ErrorContains(t, err, "load ONNX Runtime")
	require.ErrorContains(t, err, "missing.so")
	text := filepath.Join(t.TempDir(), "text.so")
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o644))
	_, err = Load(text)
	require.ErrorContains(t, err, "text.so")
}

// An old library is told from its version, before anything of it is used.
func TestLoadRefusesAnOldVersion(t *testing.T) {
	source := filepath.Join("testdata", "old.c")
	old := filepath.Join(t.TempDir(), "libonnxruntime.so.1.23.2")
	out, err := exec.Command("cc", "-shared", "-fPIC", "-o", old, source).CombinedOutput()
	require.NoError(t, err, string(out)) // cgo needs the same compiler
	_, err = Load(old)
	require.EqualError(t, err, "ONNX Runtime 1.23.2 in "+old+" is too old: 1.24 or newer is needed")
}

func TestSupportedVersions(t *testing.T) {
	for version, want := range map[string]bool{"1.23.2": false, "1.24.0": true, "1.32.0": true, "2.0.0": true, "0.99.0": false, "": false, "x.y": false} {
		require.Equal(t, want, supported(version), version)
	}
}
