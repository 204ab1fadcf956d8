package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/unit"
)

// kind is what one kind of work needs beside the load engine. A value of each
// kind stands in the table of kinds, and its code in a file of its own.
type kind interface {
	// rate is the unit of the items that are answered in a second; "" where items
	// are not what is counted.
	rate() unit.Name
	// measured says how windows are measured as text; nil when they are none.
	measured(g Group, c Case) *meter.Generation
	// guess is about what a window takes before any answer came; false: what its
	// requests need says it.
	guess(c Case, o Options) (time.Duration, bool)
	// pace gives a plan windows that are long enough for work that takes long;
	// false: a pilot says how long they must be.
	pace(ctx context.Context, o Options, w *work, p load.Plan, users int) (load.Plan, bool, error)
	// inputs are what the requests of a case carry, with a salt of its own.
	inputs(s *supply, c Case, how stack.Capability, m served, salt uint64) (inputs, error)

	// judge holds answers against right ones; nil: there are none of its kind.
	judge(m right, form stack.Input, precision string) judge
	// unchecked judges what can be judged without right answers; why says why there are none.
	unchecked(why string) judge
	// redone holds drawn answers against those of the maker.
	redone(m served, c Case, maker, precision string) redone
	// claims holds what answers claim to hold against what they hold.
	claims(m served, known right, claimed []claim) meter.Claims

	golden
}

// golden is how right answers of a kind are read, asked for and kept.
type golden interface {
	// committed are those in testdata, of the very weights.
	committed(m served) (right, error)
	// ending of a file's name that holds them.
	ending() string
	decode(file []byte, m served) (right, error)
	encode(r right) ([]byte, error)
	// none are no answers yet, of a maker.
	none(m served, maker string) right
	// questions are all requests whose answers a stack can stand in for.
	questions(by stack.Stack, m served) ([]question, error)
	// collect adds an answer to one of them.
	collect(to right, it item, form stack.Input, got answers) error
}

// redone compares answers to drawn inputs with answers that were computed anew.
type redone interface {
	add(it item, k int, got, want answers)
	verdict() quality.Verdict
}

// claim is what an answer was said to hold, and the answer.
type claim struct {
	tokens int
	got    answers
}

// question is a case in which a stack is asked for the answers to inputs.
type question struct {
	c   Case
	how stack.Capability
	in  fixed
}

// kindOf finds the kind of a task. Of a task that has none, every answer is
// unchecked, and the verdict says why.
func kindOf(t stack.Task) kind {
	all := kinds()
	if i := slices.IndexFunc(all, func(k row) bool { return k.task == t }); i >= 0 {
		return all[i].kind
	}
	return unknown{vectors{}, fmt.Sprintf("no judge of the task %q", t)}
}

// row is a line of the table of kinds.
type row struct {
	task stack.Task
	kind kind
}

// kinds is the table: a new kind of work is a file and a line here.
func kinds() []row {
	return []row{
		{stack.ImageClassification, classification{}},
		{stack.Embeddings, embedding{}},
		{stack.TextGeneration, generating{}},
	}
}

// unknown is the kind of a task that nothing here knows.
type unknown struct {
	vectors
	why string
}

func (unknown) rate() unit.Name                        { return "" }
func (unknown) judge(right, stack.Input, string) judge { return nil }
func (u unknown) unchecked(string) judge               { return &unchecked{why: u.why} }
func (u unknown) redone(served, Case, string, string) redone {
	return &redoneVectors{judge: u.unchecked("")}
}

// ask hands over the answer to each input, from a server of the stack.
func (a question) ask(ctx context.Context, m served, at stack.Endpoint, take func(it item, got answers) error) error {
	w, err := assemble(a.in, a.how, m, at)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	return w.each(ctx, len(a.in), func(seq int, reply record.Answer) error {
		it := w.in.items(seq)[0]
		got, err := w.decode(reply, 1)
		if err == nil {
			err = take(it, got)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", it.id, err)
		}
		return nil
	})
}
