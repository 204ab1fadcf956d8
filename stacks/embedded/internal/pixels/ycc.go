package pixels

import (
	"image"
	"image/color"
)

// fillRGB writes the box of img as RGBx rows into s.square.
func fillRGB(s *scratch, img image.Image, box image.Rectangle) {
	switch m := img.(type) {
	case *image.YCbCr:
		fillYCbCr(s, m, box)
	case *image.Gray:
		fillGray(s, m, box)
	default: // CMYK and RGB files: rare, so clear before fast
		fillAny(s, m, box)
	}
}

func fillGray(s *scratch, m *image.Gray, box image.Rectangle) {
	at := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for _, v := range m.Pix[m.PixOffset(box.Min.X, y):][:box.Dx()] {
			s.square[at], s.square[at+1], s.square[at+2] = v, v, v
			at += 4
		}
	}
}

func fillAny(s *scratch, m image.Image, box image.Rectangle) {
	at := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
			s.square[at], s.square[at+1], s.square[at+2] = c.R, c.G, c.B
			at += 4
		}
	}
}

func fillYCbCr(s *scratch, m *image.YCbCr, box image.Rectangle) {
	width := box.Dx()
	s.chroma = grow(s.chroma, 2*width)
	cb, cr := s.chroma[:width], s.chroma[width:]
	planes := newChroma(m)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		planes.row(cb, m.Cb, box.Min.X, y)
		planes.row(cr, m.Cr, box.Min.X, y)
		luma := m.Y[m.YOffset(box.Min.X, y):][:width]
		convert(s.square[4*(y-box.Min.Y)*width:][:4*width], luma, cb, cr)
	}
}

// convert is libjpeg's YCbCr to RGB, in 16-bit fixed point.
func convert(dst, luma, cb, cr []byte) {
	const (
		half = 1 << 15
		rCr  = 91881  // 1.40200
		bCb  = 116130 // 1.77200
		gCb  = 22554  // 0.34414
		gCr  = 46802  // 0.71414
	)
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	for x, v := range luma {
		y, b, r := int32(v), int32(cb[x])-128, int32(cr[x])-128
		o := dst[4*x:][:4]
		o[0] = clamp(y + (rCr*r+half)>>16)
		o[1] = clamp(y + (half-gCb*b-gCr*r)>>16)
		o[2] = clamp(y + (bCb*b+half)>>16)
	}
}

func clamp(v int32) byte { return byte(min(max(v, 0), 255)) }

// chroma knows how an image's chroma planes relate to its luma.
type chroma struct {
	stride, width, height int // of a chroma plane, in samples
	across, down          int // luma samples a chroma sample covers
}

func newChroma(m *image.YCbCr) chroma {
	c := chroma{stride: m.CStride, across: 1, down: 1}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		c.across = 2
	case image.YCbCrSubsampleRatio420:
		c.across, c.down = 2, 2
	case image.YCbCrSubsampleRatio440:
		c.down = 2
	case image.YCbCrSubsampleRatio411:
		c.across = 4
	case image.YCbCrSubsampleRatio410:
		c.across, c.down = 4, 2
	}
	c.width = (m.Rect.Dx() + c.across - 1) / c.across
	c.height = (m.Rect.Dy() + c.down - 1) / c.down
	return c
}

// row writes the chroma of luma row y, from column x on, into dst. Planes of
// half the width are interpolated as libjpeg does by default ("fancy
// upsampling": a triangle filter, 3/4 of the nearer sample and 1/4 of the
// further one in each direction); others repeat their samples, as it does too.
func (c chroma) row(dst, plane []byte, x, y int) {
	near := plane[y/c.down*c.stride:][:c.width]
	switch {
	case c.across == 2 && c.width <= 2: // libjpeg has no neighbours to use
		c.repeat(dst, near, x)
	case c.across == 2 && c.down == 2:
		c.interpolateBoth(dst, near, c.other(plane, y), x)
	case c.across == 2:
		c.interpolateAcross(dst, near, x)
	case c.across == 1 && c.down == 2:
		far := c.other(plane, y)
		bias := 1 + y&1
		for i := range dst {
			dst[i] = byte((3*int(near[x+i]) + int(far[x+i]) + bias) >> 2)
		}
	case c.across == 1:
		copy(dst, near[x:])
	default:
		c.repeat(dst, near, x)
	}
}

// other is the second nearest chroma row of luma row y; at an edge, the nearest.
func (c chroma) other(plane []byte, y int) []byte {
	row := y/2 + y%2*2 - 1
	row = min(max(row, 0), c.height-1)
	return plane[row*c.stride:][:c.width]
}

func (c chroma) repeat(dst, near []byte, x int) {
	for i := range dst {
		dst[i] = near[(x+i)/c.across]
	}
}

func (c chroma) interpolateAcross(dst, near []byte, x int) {
	for i := range dst {
		at := (x + i) / 2
		odd := (x + i) & 1
		next := at + 2*odd - 1
		if next < 0 || next >= len(near) {
			dst[i] = near[at]
			continue
		}
		dst[i] = byte((3*int(near[at]) + int(near[next]) + 1 + odd) >> 2)
	}
}

func (c chroma) interpolateBoth(dst, near, far []byte, x int) {
	far = far[:len(near)]
	sum := func(at int) int {
		at = min(max(at, 0), len(near)-1) // at an edge: the sample itself
		return 3*int(near[at]) + int(far[at])
	}
	at := x / 2
	before, this, after := sum(at-1), sum(at), sum(at+1)
	if x&1 == 1 { // open with the right half of a sample
		dst[0] = byte((3*this + after + 7) >> 4)
		dst = dst[1:]
		at++
		before, this, after = this, after, sum(at+1)
	}
	for ; len(dst) >= 2; dst = dst[2:] {
		dst[0] = byte((3*this + before + 8) >> 4)
		dst[1] = byte((3*this + after + 7) >> 4)
		at++
		before, this, after = this, after, sum(at+1)
	}
	if len(dst) == 1 {
		dst[0] = byte((3*this + before + 8) >> 4)
	}
}
