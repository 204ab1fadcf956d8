package workload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
)

// Image is one JPEG to classify.
type Image struct {
	ID     string // of the photograph in testdata/images; "seeded-WxH" for a made one
	Golden bool   // there is a golden answer for ID
	JPEG   []byte
}

// photograph is an entry of testdata/images/manifest.json.
type photograph struct {
	ID     string `json:"id"`
	File   string `json:"file"`
	Labels []int  `json:"labels"`
}

// Images gives n images: photographs and seeded images of mixed sizes in turn,
// each salted by a comment segment, which no decoder turns into pixels.
func Images(testdata fs.FS, salt uint64, n int) ([]Image, error) {
	photos, err := photographs(testdata)
	if err != nil {
		return nil, err
	}
	made, err := seeded()
	if err != nil {
		return nil, err
	}
	out := make([]Image, n)
	for i := range out {
		from, at := photos, i/2
		if i%2 == 1 {
			from = made
		}
		img := from[at%len(from)]
		img.JPEG = comment(img.JPEG, salted(salt, i).Uint64())
		out[i] = img
	}
	return out, nil
}

// Labels gives the ImageNet classes that are right for each photograph that
// shows one.
func Labels(testdata fs.FS) (map[string][]int, error) {
	list, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return nil, err
	}
	labels := map[string][]int{}
	for _, p := range list {
		if len(p.Labels) > 0 {
			labels[p.ID] = p.Labels
		}
	}
	return labels, nil
}

func photographs(testdata fs.FS) ([]Image, error) {
	list, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return nil, err
	}
	out := make([]Image, len(list))
	for i, p := range list {
		data, err := fs.ReadFile(testdata, "images/"+p.File)
		if err != nil {
			return nil, fmt.Errorf("read inputs: %w", err)
		}
		out[i] = Image{ID: p.ID, Golden: true, JPEG: data}
	}
	return out, nil
}

// seeded makes images of mixed sizes, always the same ones: smooth colour
// fields with noise on top, since flat ones would decode too fast and pure
// noise too slowly. How many bytes they take depends on Go's encoder.
func seeded() ([]Image, error) {
	sizes := []image.Point{{320, 240}, {480, 640}, {640, 480}, {800, 600}, {1024, 768}, {256, 256}}
	var out []Image
	for i, s := range sizes {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, field(salted(1, i), s), &jpeg.Options{Quality: 85}); err != nil {
			return nil, fmt.Errorf("make an image of %v: %w", s, err)
		}
		out = append(out, Image{ID: fmt.Sprintf("seeded-%dx%d", s.X, s.Y), JPEG: b.Bytes()})
	}
	return out, nil
}

// field paints a coarse grid of random colours, interpolated, with noise.
func field(rng *rand.Rand, size image.Point) image.Image {
	const cells = 6
	var grid [cells + 1][cells + 1][3]int
	for y := range grid {
		for x := range grid[y] {
			for c := range 3 {
				grid[y][x][c] = rng.IntN(256)
			}
		}
	}
	img := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			gx, fx := x*cells/size.X, x*cells%size.X
			gy, fy := y*cells/size.Y, y*cells%size.Y
			var v [3]uint8
			noise := rng.IntN(17) - 8
			for c := range 3 {
				top := grid[gy][gx][c]*(size.X-fx) + grid[gy][gx+1][c]*fx
				low := grid[gy+1][gx][c]*(size.X-fx) + grid[gy+1][gx+1][c]*fx
				v[c] = uint8(min(255, max(0, (top*(size.Y-fy)+low*fy)/(size.X*size.Y)+noise)))
			}
			img.SetRGBA(x, y, color.RGBA{v[0], v[1], v[2], 255})
		}
	}
	return img
}

// comment puts a COM segment right behind the start-of-image marker.
func comment(file []byte, salt uint64) []byte {
	const marker, length = "\xff\xfe", 2 + 8
	out := make([]byte, 0, len(file)+2+length)
	out = append(out, file[:2]...)
	out = append(out, marker...)
	out = binary.BigEndian.AppendUint16(out, length)
	out = binary.BigEndian.AppendUint64(out, salt)
	return append(out, file[2:]...)
}
