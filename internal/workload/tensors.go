package workload

import (
	"bytes"
	"fmt"
	"image/png"
	"io/fs"
	"math"
)

// Normalisation turns a colour channel's values 0..255 into what a model
// expects: (v − Mean) ÷ Std, for red, green and blue.
type Normalisation struct {
	Mean [3]float32
	Std  [3]float32
}

// Tensor is one image, already cut, scaled and normalised.
type Tensor struct {
	ID   string    // of the photograph
	Data []float32 // [3, 224, 224], red, green and blue planes
}

// Tensors gives n tensors made from the lossless cuts in testdata/tensors, so
// that every stack computes on the same numbers. Each is salted in the lowest
// mantissa bit of some values: a relative change of 6e-8.
func Tensors(testdata fs.FS, norm Normalisation, salt uint64, n int) ([]Tensor, error) {
	photos, err := photographs(testdata)
	if err != nil {
		return nil, err
	}
	plain := make([][]float32, len(photos))
	for i, p := range photos {
		plain[i], err = planes(testdata, p.ID, norm)
		if err != nil {
			return nil, err
		}
	}
	out := make([]Tensor, n)
	for i := range out {
		data := append([]float32(nil), plain[i%len(plain)]...)
		rng := salted(salt, i)
		for range 64 {
			at := rng.IntN(len(data))
			data[at] = math.Float32frombits(math.Float32bits(data[at]) ^ 1)
		}
		out[i] = Tensor{ID: photos[i%len(photos)].ID, Data: data}
	}
	return out, nil
}

func planes(testdata fs.FS, id string, norm Normalisation) ([]float32, error) {
	file, err := fs.ReadFile(testdata, "tensors/"+id+".png")
	if err != nil {
		return nil, fmt.Errorf("read inputs: %w", err)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("read inputs: testdata/tensors/%s.png: %w", id, err)
	}
	b := img.Bounds()
	size := b.Dx() * b.Dy()
	out := make([]float32, 3*size)
	for y := range b.Dy() {
		for x := range b.Dx() {
			red, green, blue, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			for c, v := range [3]uint32{red, green, blue} {
				out[c*size+y*b.Dx()+x] = (float32(v>>8) - norm.Mean[c]) / norm.Std[c]
			}
		}
	}
	return out, nil
}
