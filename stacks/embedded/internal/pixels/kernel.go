package pixels

import (
	"math"
	"sync"
)

// precision is the number of fraction bits of a weight. Pillow's
// libImaging/Resample.c uses the same, so sums round alike.
const precision = 32 - 8 - 2

// maxKernels bounds the cache: a service sees few sizes, an attacker many.
const maxKernels = 64

// kernel scales a square of one side to another. Both passes use the same
// weights, since input and output are squares.
type kernel struct {
	from, to int
	spans    []span // one an output column (or row)
	weights  []int32
}

// span is the run of input samples that one output sample is made of.
type span struct {
	first int // input index
	at, n int // position and number of its weights
}

// newKernel computes the weights as Pillow's precompute_coeffs does: the
// kernel is widened by the scale when it shrinks, which is what antialiases.
func newKernel(f Filter, from, to int) *kernel {
	k := &kernel{from: from, to: to, spans: make([]span, to)}
	weigh, support := triangle, 1.0
	if f == Bicubic {
		weigh, support = catmullRom, 2.0
	}
	scale := float64(from) / float64(to)
	stretch := max(scale, 1)
	support *= stretch
	real := make([]float64, 0, 2*int(math.Ceil(support))+1)
	for i := range k.spans {
		centre := (float64(i) + 0.5) * scale
		first := max(int(centre-support+0.5), 0)
		end := min(int(centre+support+0.5), from)
		real = real[:0]
		sum := 0.0
		for x := first; x < end; x++ {
			w := weigh((float64(x) - centre + 0.5) / stretch)
			real = append(real, w)
			sum += w
		}
		k.spans[i] = span{first: first, at: len(k.weights), n: len(real)}
		for _, w := range real {
			k.weights = append(k.weights, int32(math.Round(w/sum*(1<<precision))))
		}
	}
	return k
}

func triangle(x float64) float64 { return max(1-math.Abs(x), 0) }

func catmullRom(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// narrow scales the rows of src, from x from RGBx, into dst, from x to RGB.
func (k *kernel) narrow(dst, src []byte) {
	for y := range k.from {
		row := src[4*y*k.from:][:4*k.from]
		out := dst[3*y*k.to:][:3*k.to]
		for i, s := range k.spans {
			in := row[4*s.first:][:4*s.n]
			r, g, b := int32(1)<<(precision-1), int32(1)<<(precision-1), int32(1)<<(precision-1)
			for _, w := range k.weights[s.at:][:s.n] {
				r += w * int32(in[0])
				g += w * int32(in[1])
				b += w * int32(in[2])
				in = in[4:]
			}
			o := out[3*i:][:3]
			o[0], o[1], o[2] = level(r), level(g), level(b)
		}
	}
}

// shorten scales the columns of src, from rows of to RGB, and hands each
// finished row to emit. acc and line have room for one row.
func (k *kernel) shorten(src []byte, acc []int32, line []byte, emit func(y int, row []byte)) {
	width := 3 * k.to
	for y, s := range k.spans {
		for i := range acc {
			acc[i] = 1 << (precision - 1)
		}
		for j, w := range k.weights[s.at:][:s.n] {
			row := src[(s.first+j)*width:][:len(acc)]
			for i, v := range row {
				acc[i] += w * int32(v)
			}
		}
		for i, v := range acc {
			line[i] = level(v)
		}
		emit(y, line)
	}
}

// level rounds a sum to 0..255 (the half is in it already).
func level(sum int32) byte {
	v := sum >> precision
	if uint32(v) > 255 { // one test, since nearly all are inside
		v = ^(v >> 31) & 255
	}
	return byte(v)
}

// kernelCache keeps the kernels of the sizes seen. Its zero value is ready.
type kernelCache struct {
	mu     sync.Mutex
	bySide map[int]*kernel
}

func (c *kernelCache) get(f Filter, from, to int) *kernel {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.bySide[from]; ok {
		return k
	}
	if c.bySide == nil || len(c.bySide) >= maxKernels {
		c.bySide = make(map[int]*kernel)
	}
	k := newKernel(f, from, to)
	c.bySide[from] = k
	return k
}
