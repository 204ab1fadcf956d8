package fake_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
)

// TestPixelsAreOfThePicture: another file of the same picture has the same key,
// in front of it whatever may stand, and another picture has not.
func TestPixelsAreOfThePicture(t *testing.T) {
	file := func(shade uint8) []byte {
		img := image.NewGray(image.Rect(0, 0, 16, 16))
		for i := range img.Pix {
			img.Pix[i] = color.Gray{Y: shade}.Y
		}
		var b bytes.Buffer
		require.NoError(t, jpeg.Encode(&b, img, nil))
		return b.Bytes()
	}
	comment := []byte{0xff, 0xfe, 0, 4, 'h', 'i'}
	plain := file(10)
	want := fake.Pixels(plain)
	require.NotEmpty(t, want)
	require.Equal(t, want, fake.Pixels(slices.Insert(bytes.Clone(plain), 2, comment...)))
	require.Equal(t, want, fake.Pixels(append([]byte(`{"inputs":[]}`), plain...)))
	require.NotEqual(t, want, fake.Pixels(file(90)))
	require.Empty(t, fake.Pixels([]byte("no picture")))
	require.Empty(t, fake.Pixels(plain[:20]))
}
