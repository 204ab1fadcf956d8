package bench

import (
	"math"

	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
)

// answers are the decoded answers to one request: a vector an item (logits or
// embedding), or the best classes of a single item, or the text that a prompt
// led to.
type answers struct {
	vectors [][]float32
	top     []quality.Ranked
	text    *generation.Text
}

// examine holds every kept answer of the records against the golden ones.
// Items without a golden answer must be whole and finite all the same.
func (w *work) examine(records []record.Record, form stack.Input, j judge) {
	for _, r := range records {
		if r.Answer == nil || r.Outcome != record.Good {
			continue
		}
		items := w.in.items(r.Seq)
		got, err := w.decode(*r.Answer, len(items))
		if err != nil {
			j.Broken(items[0].id, err.Error())
			continue
		}
		for i, it := range items {
			examineItem(it, i, got, form, j)
		}
	}
}

func finite(values []float32) bool {
	for _, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}
