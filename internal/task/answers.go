package task

import (
	"math"

	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
)

// Answers are the decoded answers to one request, one an item.
type Answers []answer

// answer is that to one item. A new kind of answer is a type.
type answer interface {
	// examine hands it to a judge.
	examine(it Item, form stack.Input, j Judge)
}

type (
	values  []float32        // logits or an embedding
	classes []quality.Ranked // the best few
	written generation.Text  // that a prompt led to
)

func vectorsOf(rows [][]float32) Answers {
	out := make(Answers, len(rows))
	for i, row := range rows {
		out[i] = values(row)
	}
	return out
}

// only is the answer to a request of one item; false where it is of another kind.
func only[A answer](got Answers) (a A, ok bool) {
	if len(got) > 0 {
		a, ok = got[0].(A)
	}
	return a, ok
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
