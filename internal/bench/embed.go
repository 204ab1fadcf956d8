package bench

import (
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/unit"
)

// embedding is texts in, vectors out.
type embedding struct{ vectors }

func (embedding) rate() unit.Name { return unit.EmbPerS }

func (embedding) judge(m right, _ stack.Input, precision string) judge {
	if m.golden == nil {
		return nil
	}
	return quality.NewEmbeddings(m.golden, precision)
}

func (embedding) redone(m served, c Case, maker, precision string) redone {
	known := vectors{}.none(m, maker)
	return &redoneVectors{c.Input, known, quality.NewEmbeddings(known.golden, precision)}
}
