package bench

import (
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/unit"
)

// classification is images in, classes out.
type classification struct{ vectors }

func (classification) rate() unit.Name { return unit.ImgPerS }

func (classification) judge(m right, form stack.Input, precision string) judge {
	if m.golden == nil {
		return nil
	}
	return quality.NewLogits(m.golden, form, precision)
}

func (classification) redone(m served, c Case, maker, precision string) redone {
	known := vectors{}.none(m, maker)
	j := quality.NewLogits(known.golden, c.Input, precision)
	j.Loosely()
	return &redoneVectors{c.Input, known, j}
}
