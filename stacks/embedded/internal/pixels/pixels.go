// Package pixels turns a JPEG file into the normalised tensor that an image
// model reads: decode, crop the centre square, scale, normalise, NCHW.
//
// It computes what Pillow does, to the last bit of the scaling and of the
// chroma interpolation, so that a Go server and a Python server see the same
// pixels: x/image/draw truncates where Pillow rounds, and image/color repeats
// chroma samples where libjpeg interpolates them (up to 24 levels apart on
// photographs). What is left is the inverse DCT's rounding, one level.
package pixels

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"sync"
)

// maxPixels bounds what a decoded image may take: a JPEG header of a few bytes
// can announce 65535 x 65535.
const maxPixels = 64 << 20

// Filter is the kernel of the scaling.
type Filter string

const (
	Bilinear Filter = "bilinear"
	Bicubic  Filter = "bicubic" // Catmull-Rom, a = -1/2
)

// Recipe is how a model wants its images.
type Recipe struct {
	Crop   float64    `json:"crop"` // side of the centre square over the image's short side
	Size   int        `json:"size"` // side of the scaled square
	Filter Filter     `json:"filter"`
	Mean   [3]float64 `json:"mean"` // of R, G and B, in 0..255
	Std    [3]float64 `json:"std"`
}

// Preprocessor holds a recipe's tables and reusable memory. It is safe for
// concurrent use.
type Preprocessor struct {
	recipe  Recipe
	levels  [3][256]float32 // normalised value of each level
	kernels kernelCache
	scratch sync.Pool // *scratch
}

// scratch is the memory of one image on its way.
type scratch struct {
	square []byte  // RGBx of the cropped square
	narrow []byte  // RGB after the horizontal pass
	acc    []int32 // one output row of sums
	line   []byte  // the same, rounded
	chroma []byte  // interpolated Cb then Cr of one row
}

// New returns a preprocessor, or an error when the recipe cannot be followed.
func New(r Recipe) (*Preprocessor, error) {
	if r.Crop <= 0 || r.Crop > 1 || r.Size < 1 || r.Size > 4096 {
		return nil, fmt.Errorf("image recipe: crop %g and size %d, want 0 < crop <= 1 and size 1 to 4096", r.Crop, r.Size)
	}
	if r.Filter != Bilinear && r.Filter != Bicubic {
		return nil, fmt.Errorf("image recipe: unknown filter %q", r.Filter)
	}
	p := &Preprocessor{recipe: r}
	for c := range 3 {
		if r.Std[c] == 0 {
			return nil, fmt.Errorf("image recipe: the standard deviation of channel %d is 0", c)
		}
		for v := range 256 {
			p.levels[c][v] = float32((float64(v) - r.Mean[c]) / r.Std[c])
		}
	}
	p.scratch.New = func() any { return new(scratch) }
	return p, nil
}

// Floats is the number of values one image becomes.
func (p *Preprocessor) Floats() int { return 3 * p.recipe.Size * p.recipe.Size }

// JPEG decodes one file and writes its tensor, shape [3, size, size], to dst.
func (p *Preprocessor) JPEG(dst []float32, file []byte) error {
	if len(dst) != p.Floats() {
		return fmt.Errorf("a tensor of %d values, want %d", len(dst), p.Floats())
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	if config.Width*config.Height > maxPixels {
		return fmt.Errorf("decode JPEG: %d x %d pixels are over the limit of %d", config.Width, config.Height, maxPixels)
	}
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	return p.tensor(dst, img)
}

func (p *Preprocessor) tensor(dst []float32, img image.Image) error {
	box := p.box(img.Bounds())
	side := box.Dx()
	if side < 1 {
		return fmt.Errorf("an image of %v has no pixel left after the crop", img.Bounds().Size())
	}
	s := p.scratch.Get().(*scratch)
	defer p.scratch.Put(s)
	size := p.recipe.Size
	s.square = grow(s.square, 4*side*side)
	s.narrow = grow(s.narrow, 3*size*side)
	s.acc, s.line = grow(s.acc, 3*size), grow(s.line, 3*size)
	fillRGB(s, img, box)
	k := p.kernels.get(p.recipe.Filter, side, size)
	k.narrow(s.narrow, s.square)
	k.shorten(s.narrow, s.acc, s.line, func(y int, row []byte) { p.normalise(dst, y, row) })
	return nil
}

// box is the centre square, placed as every stack of this repository places it.
func (p *Preprocessor) box(b image.Rectangle) image.Rectangle {
	w, h := b.Dx(), b.Dy()
	side := int(p.recipe.Crop * float64(min(w, h)))
	left, top := b.Min.X+(w-side)/2, b.Min.Y+(h-side)/2
	return image.Rect(left, top, left+side, top+side)
}

// normalise writes row y of RGB pixels into the three planes of dst.
func (p *Preprocessor) normalise(dst []float32, y int, row []byte) {
	size := p.recipe.Size
	for c := range 3 {
		plane := dst[c*size*size+y*size:][:size]
		levels := &p.levels[c]
		for x := range plane {
			plane[x] = levels[row[3*x+c]]
		}
	}
}

// grow returns a slice of length n, reusing s's memory when it is enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
