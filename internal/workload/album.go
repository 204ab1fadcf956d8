package workload

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
)

const (
	mcu      = 16 // pixels of a strip: the rows that one restart interval holds
	perPhoto = 2  // sheets: every second photograph is on every second of them
	shades   = 4  // of each strip: the photograph, lighter and darker and with other noise
	quality  = 85
	shadeBy  = 7 // levels between two shades
	grain    = 4 // levels of noise
	longest  = 3 // strips at least that one photograph keeps, before another goes on
	mixBits  = 32
	restarts = 8 // restart markers are numbered by
)

// Album makes images of which no two are alike in pixels, as fast as bytes can
// be copied: a JPEG can be cut at restart markers, behind which nothing depends
// on what came before, so that strips which were encoded once can be joined in
// as many ways as there are numbers. An image is a few bands of photographs,
// each strip of them in one of a few shades.
type Album struct {
	photos []Image
	sheets []sheet
}

// sheet is what images of one size are made of.
type sheet struct {
	size   image.Point
	head   []byte     // all before the first strip
	strips [][][]byte // of each photograph and shade, from top to bottom
}

// NewAlbum encodes the strips, which takes about half a second.
func NewAlbum(testdata fs.FS) (*Album, error) {
	photos, err := photographs(testdata)
	if err != nil {
		return nil, err
	}
	a := &Album{photos: photos}
	sizes := []image.Point{{320, 240}, {480, 640}, {640, 480}, {800, 592}, {1024, 768}, {256, 256}}
	for _, size := range sizes {
		a.sheets = append(a.sheets, sheet{size: size})
	}
	for i, p := range photos {
		img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
		if err != nil {
			return nil, fmt.Errorf("read inputs: testdata/images: %s: %w", p.ID, err)
		}
		for s := i % perPhoto; s < len(a.sheets); s += perPhoto {
			if err := a.sheets[s].add(img, salted(uint64(i), s)); err != nil {
				return nil, fmt.Errorf("make images of %s: %w", p.ID, err)
			}
		}
	}
	return a, nil
}

// Image is image number i of a salt: a committed photograph where Committed says
// so, or a made one.
func (a *Album) Image(salt uint64, i int) Image {
	if before, ok := Committed(place(i)); ok {
		return a.again(before)
	}
	return a.Made(salt, i)
}

// ID is that of Image, without making it.
func (a *Album) ID(i int) (id string, golden bool) {
	if before, ok := Committed(place(i)); ok {
		return a.photos[before%len(a.photos)].ID, true
	}
	size := a.sheets[i%len(a.sheets)].size
	return fmt.Sprintf("made-%dx%d-%d", size.X, size.Y, i), false
}

// Made is an image that was never seen: its strips' shades spell its number.
func (a *Album) Made(salt uint64, i int) Image {
	s := a.sheets[i%len(a.sheets)]
	rng := salted(salt, i)
	shade := scatter(salt, i, 1<<mixBits)
	total := s.size.Y / mcu
	list := make([][]byte, 0, total)
	photos := len(s.strips) / shades
	photo, left := rng.IntN(photos), longest+rng.IntN(total)
	for y := range total {
		if left == 0 {
			photo, left = rng.IntN(photos), longest+rng.IntN(total)
		}
		list = append(list, s.strips[photo*shades+int(shade%shades)][y])
		left--
		if shade /= shades; y%(mixBits/2) == mixBits/2-1 {
			shade = rng.Uint64() % (1 << mixBits)
		}
	}
	id, _ := a.ID(i)
	return Image{ID: id, JPEG: s.join(list)}
}

// join puts strips behind each other, with a restart marker between.
func (s sheet) join(list [][]byte) []byte {
	size := len(s.head) + 2*len(list)
	for _, strip := range list {
		size += len(strip)
	}
	out := append(make([]byte, 0, size), s.head...)
	for i, strip := range list {
		if i > 0 {
			out = append(out, 0xff, byte(0xd0+(i-1)%restarts))
		}
		out = append(out, strip...)
	}
	return append(out, 0xff, 0xd9)
}

// add encodes a photograph's strips at the sheet's size.
func (s *sheet) add(photo image.Image, rng *rand.Rand) error {
	plain := scaled(photo, s.size)
	for shade := range shades {
		img := shaded(plain, (2*shade-shades+1)*shadeBy/2, rng.Uint64())
		var strips [][]byte
		for y := 0; y < s.size.Y; y += mcu {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img.SubImage(image.Rect(0, y, s.size.X, y+mcu)), &jpeg.Options{Quality: quality}); err != nil {
				return err
			}
			head, scan, err := cutScan(b.Bytes())
			if err != nil {
				return err
			}
			strips = append(strips, scan)
			if s.head == nil {
				s.head = withRestarts(head, s.size)
			}
		}
		s.strips = append(s.strips, strips)
	}
	return nil
}

// scaled is the photograph at another size, each pixel the mean of four that
// are nearest.
func scaled(photo image.Image, size image.Point) *image.RGBA {
	b := photo.Bounds()
	from := image.NewRGBA(image.Rectangle{Max: b.Size()})
	draw.Draw(from, from.Bounds(), photo, b.Min, draw.Src)
	out := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		upper := min(y*b.Dy()/size.Y, b.Dy()-2) * from.Stride
		for x := range size.X {
			left := 4 * min(x*b.Dx()/size.X, b.Dx()-2)
			at, to := from.Pix[upper+left:], out.Pix[y*out.Stride+4*x:]
			for c := range 4 {
				sum := int(at[c]) + int(at[c+4]) + int(at[c+from.Stride]) + int(at[c+4+from.Stride])
				to[c] = uint8(sum / 4)
			}
		}
	}
	return out
}

// shaded is the picture lighter by some levels, with noise.
func shaded(plain *image.RGBA, lighter int, seed uint64) *image.RGBA {
	out := image.NewRGBA(plain.Rect)
	noise := rand.New(rand.NewPCG(seed, 0))
	var bits uint64
	for i := 0; i < len(plain.Pix); i += 4 {
		if bits < 1<<8 {
			bits = noise.Uint64() | 1<<63
		}
		by := lighter + int(bits%(2*grain)) - grain
		bits /= 2 * grain
		for c := range 3 {
			out.Pix[i+c] = uint8(min(255, max(0, int(plain.Pix[i+c])+by)))
		}
		out.Pix[i+3] = 255
	}
	return out
}

var errJPEG = errors.New("not the baseline JPEG of Go's encoder")

// cutScan parts what Go's encoder wrote into all before the scan's data, and
// the data. Between them stands the scan's own header, the last of the segments.
func cutScan(file []byte) (head, scan []byte, err error) {
	for at := 2; at+4 <= len(file); {
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		end := at + 2 + size
		if file[at] != 0xff || end > len(file)-2 {
			break
		}
		if file[at+1] == 0xda {
			return file[:end], file[end : len(file)-2], nil
		}
		at = end
	}
	return nil, nil, errJPEG
}

// withRestarts makes a strip's head that of a whole image: its height in the
// frame's header, and a restart after each row of units.
func withRestarts(head []byte, size image.Point) []byte {
	var out []byte
	out = append(out, head[:2]...)
	for at := 2; at < len(head); {
		end := at + 2 + int(binary.BigEndian.Uint16(head[at+2:]))
		segment := bytes.Clone(head[at:end])
		switch segment[1] {
		case 0xc0:
			binary.BigEndian.PutUint16(segment[5:], uint16(size.Y))
		case 0xda:
			out = append(out, 0xff, 0xdd, 0, 4)
			out = binary.BigEndian.AppendUint16(out, uint16(size.X/mcu))
		}
		out, at = append(out, segment...), end
	}
	return out
}

// again is the committed photograph whose turn it is. From the second time on,
// one coarse step of a fine structure is another: the pixels differ by a level
// here and there, and the answer stays.
func (a *Album) again(before int) Image {
	img := a.photos[before%len(a.photos)]
	if n := before / len(a.photos); n > 0 {
		img.JPEG = retouched(img.JPEG, n)
	}
	return img
}

// retouched changes an entry of the first quantisation table by a step or more.
func retouched(file []byte, n int) []byte {
	const first, entries = 44, 20 // in zigzag order: of structures that photographs have, and the eye does not see
	out := bytes.Clone(file)
	for at := 2; at+4 < len(out) && out[at] == 0xff; at += 2 + int(binary.BigEndian.Uint16(out[at+2:])) {
		if out[at+1] != 0xdb || out[at+4]>>4 != 0 {
			continue
		}
		out[at+5+first+n%entries] += byte(1 + n/entries)
		return out
	}
	return out
}
