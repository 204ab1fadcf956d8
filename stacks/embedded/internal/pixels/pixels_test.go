package pixels_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"io/fs"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"stackbench"
	"stackbench/stacks/embedded/internal/pixels"
)

// raw leaves levels as they are, so that tests can compare pixels.
func raw(crop float64, size int) pixels.Recipe {
	return pixels.Recipe{Crop: crop, Size: size, Filter: pixels.Bicubic, Std: [3]float64{1, 1, 1}}
}

func photographs() []string {
	return []string{"astronaut", "cat_tabby", "dahlia", "espresso", "military_uniform", "missile", "palace", "tripod"}
}

func photograph(t testing.TB, id string) []byte {
	file, err := fs.ReadFile(stackbench.Testdata(), "images/"+id+".jpg")
	require.NoError(t, err)
	return file
}

func pixelsOf(t testing.TB, r pixels.Recipe, file []byte) []float32 {
	p, err := pixels.New(r)
	require.NoError(t, err)
	out := make([]float32, p.Floats())
	require.NoError(t, p.JPEG(out, file))
	return out
}

// compare returns the mean and the largest distance of a tensor to a PNG.
func compare(t testing.TB, tensor []float32, file []byte) (mean, most float64) {
	img, err := png.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	rgb := image.NewNRGBA(img.Bounds())
	draw.Draw(rgb, rgb.Bounds(), img, img.Bounds().Min, draw.Src)
	plane := img.Bounds().Dx() * img.Bounds().Dy()
	require.Len(t, tensor, 3*plane)
	for i := range plane {
		for c := range 3 {
			d := math.Abs(float64(tensor[c*plane+i]) - float64(rgb.Pix[4*i+c]))
			mean, most = mean+d/float64(3*plane), max(most, d)
		}
	}
	return mean, most
}

// Pillow's cuts of the photographs are committed. Only the inverse DCT may
// differ: a level here and there, which the cubic kernel can stretch to three.
func TestPhotographsEqualPillow(t *testing.T) {
	for _, id := range photographs() {
		want, err := fs.ReadFile(stackbench.Testdata(), "tensors/"+id+".png")
		require.NoError(t, err)
		mean, most := compare(t, pixelsOf(t, raw(0.875, 224), photograph(t, id)), want)
		require.Less(t, mean, 0.06, id)
		require.LessOrEqual(t, most, 3.0, id)
	}
}

// The files are 65 x 51 pixels, so the box of 51 touches the top and bottom edges.
func TestEveryJPEGKindEqualsPillow(t *testing.T) {
	for _, kind := range []string{"444", "422", "420", "gray", "cmyk"} {
		file, err := os.ReadFile("testdata/" + kind + ".jpg")
		require.NoError(t, err)
		want, err := os.ReadFile("testdata/" + kind + ".png")
		require.NoError(t, err)
		mean, most := compare(t, pixelsOf(t, raw(1, 51), file), cut(t, want, 51))
		require.Less(t, mean, 0.1, kind)
		require.LessOrEqual(t, most, 3.0, kind)
	}
}

// cut takes the centre square of a PNG.
func cut(t testing.TB, file []byte, side int) []byte {
	img, err := png.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	square := image.NewNRGBA(image.Rect(0, 0, side, side))
	from := image.Pt((img.Bounds().Dx()-side)/2, (img.Bounds().Dy()-side)/2)
	draw.Draw(square, square.Bounds(), img, from, draw.Src)
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, square))
	return b.Bytes()
}

func TestNormalisation(t *testing.T) {
	r := raw(0.875, 224)
	levels := pixelsOf(t, r, photograph(t, "espresso"))
	r.Mean, r.Std = [3]float64{123.675, 116.28, 103.53}, [3]float64{58.395, 57.12, 57.375}
	for i, v := range pixelsOf(t, r, photograph(t, "espresso")) {
		c := i / (224 * 224)
		if want := (float64(levels[i]) - r.Mean[c]) / r.Std[c]; math.Abs(want-float64(v)) > 1e-6 {
			t.Fatalf("value %d is %g, not %g", i, v, want)
		}
	}
}

func TestConcurrentUseGivesTheSameAnswer(t *testing.T) {
	p, err := pixels.New(raw(0.875, 224))
	require.NoError(t, err)
	var group sync.WaitGroup
	for _, id := range photographs() {
		file := photograph(t, id)
		want := pixelsOf(t, raw(0.875, 224), file)
		for range 2 {
			group.Go(func() {
				got := make([]float32, p.Floats())
				if err := p.JPEG(got, file); err != nil {
					t.Error(err)
				}
				if !equal(got, want) {
					t.Errorf("%s: another goroutine's pixels", id)
				}
			})
		}
	}
	group.Wait()
}

func equal(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestBadFiles(t *testing.T) {
	p, err := pixels.New(raw(0.875, 224))
	require.NoError(t, err)
	out := make([]float32, p.Floats())
	file := photograph(t, "espresso")
	check := func(file []byte, message string) {
		t.Helper()
		require.ErrorContains(t, p.JPEG(out, file), message)
	}
	check(nil, "decode JPEG")
	check([]byte("GIF89a"), "decode JPEG")
	check(file[:len(file)/2], "decode JPEG")
	check(resized(t, file, 1, 1), "no pixel left")
	check(resized(t, file, 60000, 60000), "over the limit")
	require.ErrorContains(t, p.JPEG(out[1:], file), "values")
}

// resized changes the size that a baseline file's frame header announces.
func resized(t testing.TB, file []byte, w, h uint16) []byte {
	file = bytes.Clone(file)
	at := bytes.Index(file, []byte{0xff, 0xc0})
	require.Positive(t, at)
	binary.BigEndian.PutUint16(file[at+5:], h)
	binary.BigEndian.PutUint16(file[at+7:], w)
	return file
}

func TestBadRecipes(t *testing.T) {
	check := func(change func(*pixels.Recipe), message string) {
		t.Helper()
		r := raw(0.875, 224)
		change(&r)
		_, err := pixels.New(r)
		require.ErrorContains(t, err, message)
	}
	check(func(r *pixels.Recipe) { r.Crop = 0 }, "crop")
	check(func(r *pixels.Recipe) { r.Size = 0 }, "size")
	check(func(r *pixels.Recipe) { r.Filter = "nearest" }, `"nearest"`)
	check(func(r *pixels.Recipe) { r.Std[1] = 0 }, "channel 1")
}

func FuzzJPEG(f *testing.F) {
	for _, kind := range []string{"444", "422", "420", "gray", "cmyk"} {
		file, err := os.ReadFile("testdata/" + kind + ".jpg")
		require.NoError(f, err)
		f.Add(file)
	}
	p, err := pixels.New(pixels.Recipe{Crop: 0.875, Size: 16, Filter: pixels.Bilinear, Std: [3]float64{1, 1, 1}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, file []byte) {
		out := make([]float32, p.Floats())
		if p.JPEG(out, file) != nil {
			return
		}
		for _, v := range out {
			require.True(t, v >= 0 && v <= 255)
		}
	})
}

func BenchmarkJPEG(b *testing.B) {
	file := photograph(b, "cat_tabby")
	for _, filter := range []pixels.Filter{pixels.Bilinear, pixels.Bicubic} {
		b.Run("filter="+string(filter), func(b *testing.B) {
			r := raw(0.875, 224)
			r.Filter = filter
			p, err := pixels.New(r)
			require.NoError(b, err)
			out := make([]float32, p.Floats())
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, p.JPEG(out, file))
			}
		})
	}
}
