package oip

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpersRoundTrip(t *testing.T) {
	f := NewFP32("x", []int64{1, 3}, []float32{1, -2.5, 1e-30})
	require.Equal(t, []byte{0, 0, 0x80, 0x3f}, f.Data[:4])
	values, err := f.Float32s()
	require.NoError(t, err)
	require.Equal(t, []float32{1, -2.5, 1e-30}, values)

	i := NewINT64("ids", []int64{2}, []int64{-1, 1 << 40})
	ints, err := i.Int64s()
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 1 << 40}, ints)

	b := NewBYTES("IMAGE", []int64{3, 1}, [][]byte{{0xff, 0xd8}, {}, []byte("text")})
	require.Equal(t, []byte{2, 0, 0, 0, 0xff, 0xd8, 0, 0, 0, 0, 4, 0, 0, 0, 't', 'e', 'x', 't'}, b.Data)
	elements, err := b.Elements()
	require.NoError(t, err)
	require.Equal(t, [][]byte{{0xff, 0xd8}, {}, []byte("text")}, elements)

	_, err = f.Int64s()
	require.ErrorContains(t, err, `tensor "x" is FP32, not INT64`)
}

func TestValidate(t *testing.T) {
	four := make([]byte, 4)
	for _, c := range []struct {
		tensor Tensor
		want   string // "" means valid
	}{
		{Tensor{"y", FP32, []int64{1, 1}, four}, ""},
		{Tensor{"y", FP32, nil, four}, ""},
		{Tensor{"y", "BOOL", []int64{4}, four}, ""},
		{Tensor{"y", "FP16", []int64{2}, four}, ""},
		{Tensor{"y", BYTES, []int64{1}, four}, ""},
		{Tensor{"y", FP32, []int64{1, 1000}, nil}, "numpy<2"},
		{Tensor{"y", FP32, []int64{0}, nil}, "numpy<2"},
		{Tensor{"y", FP32, []int64{1, 1000}, four}, "is 4 bytes long, not 4000"},
		{Tensor{"y", FP32, []int64{-1}, four}, "not the shape of data"},
		{Tensor{"y", FP32, []int64{1 << 31, 1 << 31, 1 << 31}, four}, "too large"},
		{Tensor{"y", FP32, []int64{1 << 62, 4}, four}, "not the shape of data"},
		{Tensor{"y", "COMPLEX", []int64{1}, four}, "unknown datatype"},
		{Tensor{"y", BYTES, []int64{2}, four}, "holds 1 elements, not 2"},
		{Tensor{"y", BYTES, []int64{1}, []byte{9, 0, 0, 0}}, "cut off"},
		{Tensor{"y", BYTES, []int64{1}, []byte{0xff, 0xff, 0xff, 0xff, 1}}, "cut off"},
		{Tensor{"y", BYTES, []int64{1}, []byte{1, 0}}, "cut off"},
	} {
		err := c.tensor.Validate()
		if c.want == "" {
			require.NoError(t, err, "%v", c.tensor)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}
