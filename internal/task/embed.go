package task

import (
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

// embedding is texts in, vectors out.
type embedding struct{ vectors }

func (embedding) Rate() unit.Name { return unit.EmbPerS }

func (embedding) judge(m Right, _ stack.Input, precision string) Judge {
	if m.Golden == nil {
		return nil
	}
	return quality.NewEmbeddings(m.Golden, precision)
}

func (embedding) Redone(m Served, c suite.Case, maker, precision string) Redone {
	known := vectors{}.None(m, maker)
	return &redoneVectors{c.Input, known, quality.NewEmbeddings(known.Golden, precision)}
}
