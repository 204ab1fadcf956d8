package bench

import (
	"fmt"
	"math"

	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/predict"
	"stackbench/internal/wire/torchserve"
)

// answers are the decoded answers to one request: a vector an item (logits or
// embedding), or the best classes of a single item, or the text that a prompt
// led to.
type answers struct {
	vectors [][]float32
	top     []quality.Ranked
	text    *generation.Text
}

func decodeOIP(read func(record.Answer) ([]oip.Tensor, error), m served) func(record.Answer, int) (answers, error) {
	return func(a record.Answer, items int) (answers, error) {
		tensors, err := read(a)
		if err != nil {
			return answers{}, err
		}
		if len(tensors) != 1 {
			return answers{}, fmt.Errorf("%d output tensors, want one", len(tensors))
		}
		values, err := tensors[0].Float32s()
		if err != nil {
			return answers{}, err
		}
		if len(values) != items*m.Width {
			return answers{}, fmt.Errorf("output %s has %d values, want %d of %d", tensors[0].Name, len(values), items, m.Width)
		}
		var out answers
		for i := range items {
			out.vectors = append(out.vectors, values[i*m.Width:(i+1)*m.Width])
		}
		return out, nil
	}
}

func decodeOpenAI(m served) func(record.Answer, int) (answers, error) {
	return func(a record.Answer, items int) (answers, error) {
		e, err := openai.Decode(a, items, m.Width)
		return answers{vectors: e.Vectors}, err
	}
}

func decodePredict(a record.Answer, _ int) (answers, error) { return ranked(predict.Decode(a)) }

func ranked(p predict.Prediction, err error) (answers, error) {
	var out answers
	for _, c := range p.Top {
		out.top = append(out.top, quality.Ranked{Index: c.Index, Logit: float32(c.Logit)})
	}
	return out, err
}

// decodeTorchServe reads what the handler answers to the form of the work.
func decodeTorchServe(read func(record.Answer) ([]byte, error), form stack.Input, m served) func(record.Answer, int) (answers, error) {
	return func(a record.Answer, items int) (answers, error) {
		body, err := read(a)
		if err != nil {
			return answers{}, err
		}
		if form == stack.JPEG {
			return ranked(torchserve.DecodeTop(body))
		}
		rows, err := torchserve.DecodeLogits(body, items, m.Width)
		return answers{vectors: rows}, err
	}
}

func decodeTEI(read func(a record.Answer, texts, width int) ([][]float32, error), m served) func(record.Answer, int) (answers, error) {
	return func(a record.Answer, items int) (answers, error) {
		vectors, err := read(a, items, m.Width)
		return answers{vectors: vectors}, err
	}
}

// judge is what the quality checks of all tasks have in common.
type judge interface {
	Broken(id, why string)
	Verdict() quality.Verdict
}

// scale is a judge of vectors.
type scale interface {
	judge
	Add(id string, values []float32)
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

func examineItem(it item, i int, got answers, form stack.Input, j judge) {
	if texts, ok := j.(*quality.Texts); ok {
		texts.Add(it.id, it.golden, quality.Generated{
			Text: got.text.Text, Tokens: got.text.Tokens, Finish: got.text.Finish, Asked: it.asked, Exact: it.exact,
		})
		return
	}
	id := quality.ID(it.id, form)
	logits, _ := j.(*quality.Logits)
	vectors, _ := j.(scale)
	switch {
	case got.top != nil && it.golden && logits != nil:
		logits.AddTop(id, got.top)
	case got.top != nil: // JSON holds no number that is not finite
	case it.golden:
		vectors.Add(id, got.vectors[i])
	case !finite(got.vectors[i]):
		j.Broken(it.id, "values that are not finite")
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
