package task

import (
	"stackbench/internal/quality"
	"stackbench/internal/stack"
)

// Judge is what the quality checks of all tasks have in common.
type Judge interface {
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

// Right is what answers of a model are held against.
type Right struct {
	Golden   *quality.Golden      // answers of these very weights; nil when there are none
	Texts    *quality.GoldenTexts // the same of a model that generates text
	Ungolden string               // why there are none
}

// Known says whether there are any.
func (r Right) Known() bool { return r.Golden != nil || r.Texts != nil }

// JudgeOf holds answers against the right ones of a model, as far as they are
// known.
func JudgeOf(t stack.Task, m Right, form stack.Input, precision string) Judge {
	k := KindOf(t)
	if j := k.judge(m, form, precision); j != nil {
		return j
	}
	return k.Unchecked(m.Ungolden)
}

// misfit is of an answer that its judge cannot check: a defect of this program,
// which must not look like a right answer.
const misfit = "nothing here judges an answer of this kind"

// examineItem hands item i of a request to the judge.
func examineItem(it Item, i int, got Answers, form stack.Input, j Judge) {
	if i >= len(got) {
		j.Broken(it.id, "it has no values")
		return
	}
	got[i].examine(it, form, j)
}

func (c classes) examine(it Item, form stack.Input, j Judge) {
	r, ok := j.(ranking)
	switch {
	case !ok:
		j.Broken(it.id, misfit)
	case it.Golden: // JSON holds no number that is not finite
		r.AddTop(quality.ID(it.id, form), c)
	}
}

func (w written) examine(it Item, _ stack.Input, j Judge) {
	r, ok := j.(reader)
	if !ok {
		j.Broken(it.id, misfit)
		return
	}
	r.Add(it.id, it.Golden, quality.Generated{Text: w.Text, Tokens: w.Tokens, Finish: w.Finish, Asked: it.asked, Exact: it.exact})
}

func (v values) examine(it Item, form stack.Input, j Judge) {
	s, ok := j.(scale)
	switch {
	case !ok:
		j.Broken(it.id, misfit)
	case it.Golden:
		s.Add(quality.ID(it.id, form), v)
	case !finite(v):
		j.Broken(it.id, "values that are not finite")
	}
}
