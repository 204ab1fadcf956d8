package task

import (
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

// classification is images in, classes out.
type classification struct{ vectors }

func (classification) Rate() unit.Name { return unit.ImgPerS }

func (classification) judge(m Right, form stack.Input, precision string) Judge {
	if m.Golden == nil {
		return nil
	}
	return quality.NewLogits(m.Golden, form, precision)
}

func (classification) Redone(m Served, c suite.Case, maker, precision string) Redone {
	known := vectors{}.None(m, maker)
	j := quality.NewLogits(known.Golden, c.Input, precision)
	j.Loosely()
	return &redoneVectors{c.Input, known, j}
}
