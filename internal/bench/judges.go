package bench

import (
	"stackbench/internal/quality"
	"stackbench/internal/stack"
)

// judge is what the quality checks of all tasks have in common.
type judge interface {
	Broken(id, why string)
	Verdict() quality.Verdict
}

// The kinds of answers that a judge may check, one at least.
type (
	// scale checks all values of an answer.
	scale interface {
		Add(id string, values []float32)
	}
	// ranking checks the best few classes.
	ranking interface {
		AddTop(id string, top []quality.Ranked)
	}
	// reader checks a text.
	reader interface {
		Add(id string, golden bool, a quality.Generated)
	}
)

// right is what answers of a model are held against.
type right struct {
	golden   *quality.Golden      // answers of these very weights; nil when there are none
	texts    *quality.GoldenTexts // the same of a model that generates text
	ungolden string               // why there are none
}

// known says whether there are any.
func (r right) known() bool { return r.golden != nil || r.texts != nil }

// judgeOf holds answers against the right ones of a model, as far as they are
// known.
func judgeOf(t stack.Task, m right, form stack.Input, precision string) judge {
	k := kindOf(t)
	if j := k.judge(m, form, precision); j != nil {
		return j
	}
	return k.unchecked(m.ungolden)
}

// misfit is of an answer that its judge cannot check: a defect of this program,
// which must not look like a right answer.
const misfit = "nothing here judges an answer of this kind"

// examineItem hands item i of a request to the judge.
func examineItem(it item, i int, got answers, form stack.Input, j judge) {
	switch {
	case got.text != nil:
		examineText(it, got, j)
	case got.top != nil:
		r, ok := j.(ranking)
		switch {
		case !ok:
			j.Broken(it.id, misfit)
		case it.golden: // JSON holds no number that is not finite
			r.AddTop(quality.ID(it.id, form), got.top)
		}
	default:
		examineVector(it, i, got, form, j)
	}
}

func examineText(it item, got answers, j judge) {
	r, ok := j.(reader)
	if !ok {
		j.Broken(it.id, misfit)
		return
	}
	r.Add(it.id, it.golden, quality.Generated{
		Text: got.text.Text, Tokens: got.text.Tokens, Finish: got.text.Finish, Asked: it.asked, Exact: it.exact,
	})
}

func examineVector(it item, i int, got answers, form stack.Input, j judge) {
	s, ok := j.(scale)
	switch {
	case !ok:
		j.Broken(it.id, misfit)
	case i >= len(got.vectors):
		j.Broken(it.id, "it has no values")
	case it.golden:
		s.Add(quality.ID(it.id, form), got.vectors[i])
	case !finite(got.vectors[i]):
		j.Broken(it.id, "values that are not finite")
	}
}
