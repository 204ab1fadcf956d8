package workload

import (
	"bytes"
	"fmt"
	"image/png"
	"io/fs"
)

// Normalisation turns a colour channel's values 0..255 into what a model
// expects: (v − Mean) ÷ Std, for red, green and blue.
type Normalisation struct {
	Mean [3]float32
	Std  [3]float32
}

// Tensor is one image, already cut, scaled and normalised.
type Tensor struct {
	ID     string // of the photograph; of a made one its number
	Golden bool
	Data   []float32 // [3, 224, 224], red, green and blue planes
}

const (
	channels = 3
	speckles = 64 // values of a tensor that are changed
)

// Tensors makes tensors from the lossless cuts in testdata/tensors, so that
// every stack computes on the same numbers.
type Tensors struct {
	photos []photograph
	plain  [][]float32
}

// NewTensors reads the cuts.
func NewTensors(testdata fs.FS, norm Normalisation) (*Tensors, error) {
	photos, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return nil, err
	}
	t := &Tensors{photos: photos}
	for _, p := range photos {
		data, err := planes(testdata, p.ID, norm)
		if err != nil {
			return nil, err
		}
		t.plain = append(t.plain, data)
	}
	return t, nil
}

// Cuts gives the committed tensors, each as it is.
func (t *Tensors) Cuts() []Tensor {
	var out []Tensor
	for i, p := range t.photos {
		out = append(out, Tensor{ID: p.ID, Golden: true, Data: t.plain[i]})
	}
	return out
}

// ID is that of Tensor, without making it.
func (t *Tensors) ID(i int) (id string, golden bool) {
	if before, ok := Committed(place(i)); ok {
		return t.photos[before%len(t.photos)].ID, true
	}
	return fmt.Sprintf("made-%d", i), false
}

// Tensor is tensor number i of a salt: a committed one with a few values changed
// by less than its answer shows, where Committed says so; else bands of two
// photographs, and noise that no other has.
func (t *Tensors) Tensor(salt uint64, i int) Tensor {
	id, golden := t.ID(i)
	rng := salted(salt, i)
	var data []float32
	by := float32(0.002) // of a committed one: a tenth of a level
	if before, ok := Committed(place(i)); ok {
		data = append(data, t.plain[before%len(t.plain)]...)
	} else {
		data, by = t.bands(rng.IntN(len(t.plain)), rng.IntN(len(t.plain)), rng.IntN(1<<10)), 0.5
	}
	for range speckles {
		data[rng.IntN(len(data))] += by * (rng.Float32() - 0.5)
	}
	return Tensor{ID: id, Golden: golden, Data: data}
}

// bands is one photograph down to some row, and another from there on.
func (t *Tensors) bands(upper, lower, cut int) []float32 {
	data := append([]float32(nil), t.plain[upper]...)
	plane := len(data) / channels
	from := plane * cut >> 10
	for c := range channels {
		copy(data[c*plane+from:(c+1)*plane], t.plain[lower][c*plane+from:(c+1)*plane])
	}
	return data
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
	out := make([]float32, channels*size)
	for y := range b.Dy() {
		for x := range b.Dx() {
			red, green, blue, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			for c, v := range [channels]uint32{red, green, blue} {
				out[c*size+y*b.Dx()+x] = (float32(v>>8) - norm.Mean[c]) / norm.Std[c]
			}
		}
	}
	return out, nil
}
