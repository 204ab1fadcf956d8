package task

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
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

// Kind is what one kind of work needs beside the load engine. A value of each
// kind stands in the table of kinds, and its code in a file of its own.
type Kind interface {
	// Rate is the unit of the items that are answered in a second; "" where items
	// are not what is counted.
	Rate() unit.Name
	// Measured says how windows are measured as text; nil when they are none.
	Measured(g suite.Group, c suite.Case) *meter.Generation
	// Guess is about what a window takes before any answer came; false: what its
	// requests need says it.
	Guess(c suite.Case, o suite.Options) (time.Duration, bool)
	// Pace gives a plan windows that are long enough for work that takes long;
	// false: a pilot says how long they must be.
	Pace(ctx context.Context, o suite.Options, w *Work, p load.Plan, users int) (load.Plan, bool, error)
	// inputs are what the requests of a case carry, with a salt of its own.
	inputs(s *Supply, c suite.Case, how stack.Capability, m Served, salt uint64) (inputs, error)

	// judge holds answers against right ones; nil: there are none of its kind.
	judge(m Right, form stack.Input, precision string) Judge
	// Unchecked judges what can be judged without right answers; why says why there are none.
	Unchecked(why string) Judge
	// Redone holds drawn answers against those of the maker.
	Redone(m Served, c suite.Case, maker, precision string) Redone
	// Claims holds what answers claim to hold against what they hold.
	Claims(m Served, known Right, claimed []Claim) meter.Claims

	rights
}

// rights is how right answers of a kind are read, asked for and kept.
type rights interface {
	// Committed are those in testdata, of the very weights.
	Committed(m Served) (Right, error)
	// Ending of a file's name that holds them.
	Ending() string
	// Decode reads such a file; of other weights, it is an error.
	Decode(file []byte, m Served) (Right, error)
	// Encode writes one.
	Encode(r Right) ([]byte, error)
	// None are no answers yet, of a maker.
	None(m Served, maker string) Right
	// Questions are all requests whose answers a stack can stand in for.
	Questions(by stack.Stack, m Served) ([]question, error)
	// Collect adds an answer to right ones, by item and form.
	Collect(to Right, it Item, form stack.Input, got Answers) error
}

// Redone compares answers to drawn inputs with answers that were computed anew.
type Redone interface {
	// Add holds the answer to item k of a request against what it was when the item
	// was asked alone.
	Add(it Item, k int, got, want Answers)
	Verdict() quality.Verdict
}

// Claim is what an answer was said to hold, and the answer.
type Claim struct {
	Tokens int
	Got    Answers
}

// question is a case in which a stack is asked for the answers to inputs.
type question struct {
	Case   suite.Case
	How    stack.Capability
	inputs Fixed
}

// KindOf finds the kind of a task. Of a task that has none, every answer is
// unchecked, and the verdict says why.
func KindOf(t stack.Task) Kind {
	all := kinds()
	if i := slices.IndexFunc(all, func(k row) bool { return k.task == t }); i >= 0 {
		return all[i].kind
	}
	return unknown{vectors{}, fmt.Sprintf("no judge of the task %q", t)}
}

// row is a line of the table of kinds.
type row struct {
	task stack.Task
	kind Kind
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

func (unknown) Rate() unit.Name { return "" }

func (unknown) judge(Right, stack.Input, string) Judge { return nil }

func (u unknown) Unchecked(string) Judge { return &unchecked{why: u.why} }

func (u unknown) Redone(Served, suite.Case, string, string) Redone {
	return &redoneVectors{judge: u.Unchecked("")}
}

// Ask hands over the answer to each input, from a server of the stack.
func (a question) Ask(ctx context.Context, m Served, at stack.Endpoint, take func(it Item, got Answers) error) error {
	w, err := Assemble(a.inputs, a.How, m, at)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	return w.Each(ctx, len(a.inputs), func(seq int, reply record.Answer) error {
		it := w.In.Items(seq)[0]
		got, err := w.Decode(reply, 1)
		if err == nil {
			err = take(it, got)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", it.id, err)
		}
		return nil
	})
}
