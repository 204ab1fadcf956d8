package bench

import (
	"fmt"
	"slices"

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

// judging is how the answers of a task are held against right ones.
type judging struct {
	task  stack.Task
	of    func(m right, form stack.Input, precision string) judge // nil: there are no right ones
	blank func(why string) judge                                  // what can be said without
}

func judgings() []judging {
	values := func(why string) judge { return &unjudged{why: why} }
	return []judging{
		{stack.ImageClassification, logitsOf, values},
		{stack.Embeddings, embeddingsOf, values},
		{stack.TextGeneration, textsOf, func(why string) judge { return quality.Unknown(why) }},
	}
}

// judgingOf finds the judges of a task. Of a task that has none, every answer is
// unchecked, and the verdict says why.
func judgingOf(t stack.Task) judging {
	all := judgings()
	if i := slices.IndexFunc(all, func(j judging) bool { return j.task == t }); i >= 0 {
		return all[i]
	}
	none := func(string) judge { return &unjudged{why: fmt.Sprintf("no judge of the task %q", t)} }
	return judging{t, func(right, stack.Input, string) judge { return none("") }, none}
}

// judgeOf holds answers against the right ones of a model, as far as they are
// known.
func judgeOf(t stack.Task, m right, form stack.Input, precision string) judge {
	by := judgingOf(t)
	if j := by.of(m, form, precision); j != nil {
		return j
	}
	return by.blank(m.ungolden)
}

func logitsOf(m right, form stack.Input, precision string) judge {
	if m.golden == nil {
		return nil
	}
	return quality.NewLogits(m.golden, form, precision)
}

func embeddingsOf(m right, _ stack.Input, precision string) judge {
	if m.golden == nil {
		return nil
	}
	return quality.NewEmbeddings(m.golden, precision)
}

func textsOf(m right, _ stack.Input, precision string) judge {
	switch {
	case m.texts == nil:
		return nil
	case precision != "":
		return quality.NewTexts(m.texts, quality.NearTie16)
	}
	return quality.NewTexts(m.texts, quality.NearTie)
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
