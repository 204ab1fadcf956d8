package tensor_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/tensor"
)

func TestRawFormRoundTrips(t *testing.T) {
	check := func(want tensor.Tensor) {
		t.Helper()
		raw := want.AppendRaw(nil)
		for shift := range 4 { // in place when aligned, copied when not
			moved := append(make([]byte, shift, shift+len(raw)), raw...)[shift:]
			got, err := tensor.FromRaw(want.Name, want.Type, want.Shape, moved)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	check(tensor.Tensor{Name: "a", Type: tensor.FP32, Shape: []int64{2, 2}, F32: []float32{0, -1.5, math.MaxFloat32, 1e-45}})
	check(tensor.Tensor{Name: "b", Type: tensor.INT64, Shape: []int64{3}, I64: []int64{0, -1, math.MaxInt64}})
	check(tensor.Tensor{Name: "c", Type: tensor.BYTES, Shape: []int64{3, 1}, Bytes: [][]byte{[]byte("x"), {}, []byte("long")}})
}

func TestRawFormIsLittleEndian(t *testing.T) {
	require.Equal(t, []byte{0, 0, 0x80, 0x3f}, tensor.Tensor{Type: tensor.FP32, F32: []float32{1}}.AppendRaw(nil))
	require.Equal(t, []byte{2, 1, 0, 0, 0, 0, 0, 0}, tensor.Tensor{Type: tensor.INT64, I64: []int64{258}}.AppendRaw(nil))
	require.Equal(t, []byte{2, 0, 0, 0, 'h', 'i'}, tensor.Tensor{Type: tensor.BYTES, Bytes: [][]byte{[]byte("hi")}}.AppendRaw(nil))
}

func TestBadRawForms(t *testing.T) {
	check := func(typ tensor.Type, shape []int64, raw []byte, message string) {
		t.Helper()
		_, err := tensor.FromRaw("x", typ, shape, raw)
		require.ErrorContains(t, err, message)
	}
	check(tensor.FP32, []int64{2}, make([]byte, 7), "7 bytes of data")
	check(tensor.INT64, []int64{2}, make([]byte, 8), "needs 16")
	check("FP16", []int64{2}, make([]byte, 4), `"FP16"`)
	check(tensor.FP32, []int64{-1}, nil, "out of range")
	check(tensor.FP32, []int64{1 << 20, 1 << 20}, nil, "too many")
	check(tensor.FP32, []int64{1 << 62, 1 << 62}, nil, "out of range")
	check(tensor.BYTES, []int64{1}, []byte{5, 0, 0, 0, 'a'}, "5 bytes, but 1 are left")
	check(tensor.BYTES, []int64{1}, []byte{0, 0, 0, 0, 'a'}, "1 bytes are left")
	check(tensor.BYTES, []int64{2}, []byte{4, 0, 0, 0, 1, 1, 1, 1}, "before the length")
	check(tensor.BYTES, []int64{1 << 28}, []byte{0, 0, 0, 0}, "cannot hold")
}

func TestConcatPadsTokenRows(t *testing.T) {
	a := tensor.Tensor{Name: "ids", Type: tensor.INT64, Shape: []int64{2, 1}, I64: []int64{1, 2}}
	b := tensor.Tensor{Name: "ids", Type: tensor.INT64, Shape: []int64{1, 3}, I64: []int64{3, 4, 5}}
	got, err := tensor.Concat([]tensor.Tensor{a, b}, 9)
	require.NoError(t, err)
	require.Equal(t, []int64{3, 3}, got.Shape)
	require.Equal(t, []int64{1, 9, 9, 2, 9, 9, 3, 4, 5}, got.I64)
	require.Equal(t, []int64{2, 1}, a.Shape, "the parts stay as they are")
}

func TestConcatAndSplit(t *testing.T) {
	a := tensor.Tensor{Name: "x", Type: tensor.FP32, Shape: []int64{1, 2}, F32: []float32{1, 2}}
	b := tensor.Tensor{Name: "x", Type: tensor.FP32, Shape: []int64{2, 2}, F32: []float32{3, 4, 5, 6}}
	joined, err := tensor.Concat([]tensor.Tensor{a, b}, 0)
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 3, 4, 5, 6}, joined.F32)
	require.Equal(t, []tensor.Tensor{a, b}, tensor.SplitRows(joined, []int{1, 2}))

	b.Shape = []int64{4, 1}
	_, err = tensor.Concat([]tensor.Tensor{a, b}, 0)
	require.ErrorContains(t, err, "cannot share a batch")
}

func FuzzFromRaw(f *testing.F) {
	f.Add("FP32", int64(1), int64(1), []byte{0, 0, 0, 0})
	f.Add("INT64", int64(1), int64(0), []byte{})
	f.Add("BYTES", int64(2), int64(1), []byte{1, 0, 0, 0, 'a', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, typ string, a, b int64, raw []byte) {
		got, err := tensor.FromRaw("x", tensor.Type(typ), []int64{a, b}, raw)
		if err != nil {
			return
		}
		require.Equal(t, int(a*b), got.Length())
		require.Equal(t, raw, got.AppendRaw([]byte{}))
	})
}
