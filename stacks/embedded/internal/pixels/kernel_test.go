package pixels

import (
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
)

// synthetic is an image that any language can make: ramps, a sawtooth and
// hard edges.
func synthetic(side int) []byte {
	b := make([]byte, 4*side*side)
	for y := range side {
		for x := range side {
			p := b[4*(y*side+x):]
			p[0], p[1] = byte(x*7+y*13), byte(x*x+3*y)
			if (x/5+y/3)%2 == 1 {
				p[2] = 255
			}
		}
	}
	return b
}

// The checksums are zlib.crc32(image.resize((224, 224), filter).tobytes()) of
// Pillow 13.0.0, for the same synthetic images.
func TestScalingEqualsPillow(t *testing.T) {
	check := func(side int, f Filter, want uint32) {
		t.Helper()
		k := newKernel(f, side, 224)
		narrow := make([]byte, 3*224*side)
		k.narrow(narrow, synthetic(side))
		sum := crc32.NewIEEE()
		k.shorten(narrow, make([]int32, 3*224), make([]byte, 3*224), func(_ int, row []byte) { sum.Write(row) })
		require.Equal(t, want, sum.Sum32(), "%d to 224, %s", side, f)
	}
	check(37, Bilinear, 0xee62edcf)
	check(37, Bicubic, 0xb26a2a03)
	check(100, Bilinear, 0x681c4232)
	check(100, Bicubic, 0x8e168d63)
	check(224, Bilinear, 0x3af232b4)
	check(224, Bicubic, 0x3af232b4)
	check(301, Bilinear, 0xb3b38384)
	check(301, Bicubic, 0xe9722a3b)
	check(700, Bilinear, 0xc6a5089e)
	check(700, Bicubic, 0xabc87812)
}

func TestKernelCacheIsBounded(t *testing.T) {
	var c kernelCache
	for side := 1; side <= 3*maxKernels; side++ {
		require.Equal(t, side, c.get(Bilinear, side, 8).from)
		require.LessOrEqual(t, len(c.bySide), maxKernels)
	}
}
