package task

import (
	"math"

	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
)

// Answers are the decoded answers to one request: a vector an item (logits or
// embedding), or the best classes of a single item, or the text that a prompt
// led to.
type Answers struct {
	vectors [][]float32
	top     []quality.Ranked
	text    *generation.Text
}

// Examine holds every kept answer of the records against the golden ones.
// Items without a golden answer must be whole and finite all the same.
func (w *Work) Examine(records []record.Record, form stack.Input, j Judge) {
	for _, r := range records {
		if r.Answer == nil || r.Outcome != record.Good {
			continue
		}
		items := w.In.Items(r.Seq)
		got, err := w.Decode(*r.Answer, len(items))
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
