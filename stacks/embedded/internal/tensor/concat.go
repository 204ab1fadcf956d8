package tensor

import (
	"fmt"
	"slices"
)

// Concat joins tensors of one name along the first dimension. INT64 matrices
// of different widths are padded on the right to the widest with pad; all
// others must agree in their other dimensions.
func Concat(parts []Tensor, pad int64) (Tensor, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	out := Tensor{Name: parts[0].Name, Type: parts[0].Type, Shape: slices.Clone(parts[0].Shape)}
	ragged := out.Type == INT64 && len(out.Shape) == 2
	length := 0
	for _, p := range parts[1:] {
		if ragged {
			out.Shape[1] = max(out.Shape[1], p.Shape[1])
		} else if !slices.Equal(p.Shape[1:], out.Shape[1:]) {
			return out, fmt.Errorf("tensor %s: shapes %v and %v cannot share a batch", out.Name, out.Shape, p.Shape)
		}
		out.Shape[0] += p.Shape[0]
	}
	for _, p := range parts {
		length += p.Length()
	}
	switch {
	case ragged:
		out.I64 = make([]int64, 0, out.Shape[0]*out.Shape[1])
		for _, p := range parts {
			out.I64 = appendPadded(out.I64, p, int(out.Shape[1]), pad)
		}
	case out.Type == FP32:
		out.F32 = make([]float32, 0, length)
		for _, p := range parts {
			out.F32 = append(out.F32, p.F32...)
		}
	default:
		return out, fmt.Errorf("tensor %s: cannot join %s of shape %v", out.Name, out.Type, out.Shape)
	}
	return out, nil
}

func appendPadded(dst []int64, t Tensor, width int, pad int64) []int64 {
	own := int(t.Shape[1])
	for row := range t.Rows() {
		dst = append(dst, t.I64[row*own:][:own]...)
		for range width - own {
			dst = append(dst, pad)
		}
	}
	return dst
}

// SplitRows cuts an FP32 tensor into runs of rows. The parts share its memory.
func SplitRows(t Tensor, rows []int) []Tensor {
	width := 1
	for _, d := range t.Shape[1:] {
		width *= int(d)
	}
	out := make([]Tensor, len(rows))
	at := 0
	for i, n := range rows {
		shape := slices.Clone(t.Shape)
		shape[0] = int64(n)
		out[i] = Tensor{Name: t.Name, Type: FP32, Shape: shape, F32: t.F32[at : at+n*width : at+n*width]}
		at += n * width
	}
	return out
}
