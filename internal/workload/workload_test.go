package workload_test

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/workload"
)

func norm() workload.Normalisation {
	return workload.Normalisation{Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128}}
}

func album(t *testing.T) *workload.Album {
	t.Helper()
	a, err := workload.NewAlbum(stackbench.Testdata())
	require.NoError(t, err)
	return a
}

func pixels(t *testing.T, file []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	return img
}

// digest is of the decoded planes.
func digest(t *testing.T, file []byte) [32]byte {
	t.Helper()
	img, ok := pixels(t, file).(*image.YCbCr)
	require.True(t, ok)
	return sha256.Sum256(bytes.Join([][]byte{img.Y, img.Cb, img.Cr}, nil))
}

// TestNoTwoImagesAreAlikeInPixels: what is decoded differs, not only the bytes,
// from image to image and from salt to salt; photographs that come again, too.
func TestNoTwoImagesAreAlikeInPixels(t *testing.T) {
	a := album(t)
	seen := map[[32]byte]bool{}
	for _, salt := range []uint64{1, 2} {
		for i := range 30 {
			img := a.Image(salt, i)
			id, golden := a.ID(i)
			require.Equal(t, id, img.ID)
			require.Equal(t, golden, img.Golden)
			if golden {
				continue // the same in every trial
			}
			d := digest(t, img.JPEG)
			require.False(t, seen[d], "image %d was sent before", i)
			seen[d] = true
			require.Equal(t, img, a.Image(salt, i), "the same number is the same image")
		}
	}
	committed := 0
	for i := 0; committed < 40; i++ {
		if _, ok := workload.Committed(i); ok {
			committed++
			d := digest(t, a.Image(1, i).JPEG)
			require.False(t, seen[d], "photograph %d was sent before", i)
			seen[d] = true
		}
	}
}

// TestManyImagesAreAllOthers: their bytes are other ones after a million.
func TestManyImagesAreAllOthers(t *testing.T) {
	a := album(t)
	seen := map[[32]byte]bool{}
	for i := 5; i < 6*1000; i += 6 { // of the smallest size, which has the fewest strips
		d := sha256.Sum256(a.Made(3, 1_000_000*6+i).JPEG)
		require.False(t, seen[d])
		seen[d] = true
	}
}

func TestMadeImagesAreWhole(t *testing.T) {
	a := album(t)
	sizes := map[image.Point]bool{}
	for i := range 12 {
		img := pixels(t, a.Made(7, i).JPEG)
		sizes[img.Bounds().Size()] = true
		// The last rows are picture: not the grey of a scan that ended early.
		levels := map[uint32]bool{}
		b := img.Bounds()
		for x := range b.Dx() {
			red, _, _, _ := img.At(x, b.Dy()-1).RGBA()
			levels[red] = true
		}
		require.Greater(t, len(levels), 8)
	}
	require.Len(t, sizes, 6)
}

func TestEveryLabelledPhotographIsSent(t *testing.T) {
	a := album(t)
	labels, err := workload.Labels(stackbench.Testdata())
	require.NoError(t, err)
	require.Len(t, labels, 6)
	sent := map[string]bool{}
	for i := range 64 {
		id, _ := a.ID(i)
		sent[id] = true
	}
	for id := range labels {
		require.True(t, sent[id], id)
	}
}

func TestTensorsAreNormalisedPlanesAndNeverRepeated(t *testing.T) {
	list, err := workload.NewTensors(stackbench.Testdata(), norm())
	require.NoError(t, err)
	plain := map[string][]float32{}
	for _, c := range list.Cuts() {
		plain[c.ID] = c.Data
	}
	one, two := list.Tensor(1, 2), list.Tensor(2, 2)
	require.True(t, one.Golden)
	require.NotEqual(t, one.Data, two.Data)
	for j, v := range one.Data {
		require.InDelta(t, plain[one.ID][j], v, 0.0012, "its answer stays")
		require.GreaterOrEqual(t, v, float32(-1.002))
		require.LessOrEqual(t, v, float32(1.002))
	}
	seen := map[[32]byte]bool{}
	for i := range 48 {
		made := list.Tensor(1, i)
		require.Len(t, made.Data, 3*224*224)
		rounded := make([]byte, len(made.Data)) // as a cache that looks at levels would see it
		for j, v := range made.Data {
			rounded[j] = byte(int(v * 100))
		}
		if !made.Golden {
			d := sha256.Sum256(rounded)
			require.False(t, seen[d])
			seen[d] = true
		}
	}
}

func words(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }

// TestTextsAreOtherWords: not other letters of the same words, which a model
// that lower-cases could be answered for by what it had.
func TestTextsAreOtherWords(t *testing.T) {
	for _, bucket := range []int{16, 64, 256} {
		list, err := workload.NewTexts(stackbench.Testdata(), bucket)
		require.NoError(t, err)
		known := map[string]string{}
		for _, k := range list.Known() {
			known[k.ID] = words(k.Text)
		}
		require.Len(t, known, 32)
		seen := map[string]bool{}
		for _, salt := range []uint64{1, 2} {
			for i := range 2_000_000 / (bucket * bucket) {
				text := list.Text(salt, i)
				if text.Golden {
					require.Equal(t, known[text.ID], words(text.Text))
					continue
				}
				w := words(text.Text)
				require.False(t, seen[w], "text %d was sent before", i)
				seen[w] = true
			}
		}
	}
	_, err := workload.NewTexts(stackbench.Testdata(), 17)
	require.ErrorContains(t, err, "16, 64 or 256")
}
