package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stackbench"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// vectors is what kinds of work have in common that answer an item with numbers.
type vectors struct{}

func (vectors) Measured(suite.Group, suite.Case) *meter.Generation { return nil }

func (vectors) Guess(suite.Case, suite.Options) (time.Duration, bool) { return 0, false }

func (vectors) Unchecked(why string) Judge { return &unchecked{why: why} }

func (vectors) Claims(Served, Right, []Claim) (c meter.Claims) { return c }

func (vectors) Ending() string { return "safetensors" }

func (vectors) Encode(r Right) ([]byte, error) { return r.Golden.Encode() }

func (vectors) Pace(_ context.Context, _ suite.Options, _ *Work, p load.Plan, _ int) (load.Plan, bool, error) {
	return p, false, nil
}

func (vectors) inputs(s *Supply, c suite.Case, _ stack.Capability, m Served, salt uint64) (inputs, error) {
	return drawItems(s, c, m, salt)
}

func (vectors) Committed(m Served) (Right, error) {
	g, err := quality.ReadGolden(stackbench.Testdata(), m.Name)
	if err != nil {
		return Right{}, err
	}
	return Right{Golden: g}, g.Match(m.SHA256)
}

func (vectors) Decode(file []byte, m Served) (Right, error) {
	g, err := quality.Decode(file)
	if err != nil {
		return Right{}, err
	}
	if g.Model != m.Name {
		return Right{}, fmt.Errorf("the answers are of %s", g.Model)
	}
	return Right{Golden: g}, g.Match(m.SHA256)
}

func (vectors) None(m Served, maker string) Right {
	return Right{Golden: &quality.Golden{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: maker, Answers: map[string][]float32{}}}
}

// Questions are every committed input in each form to which the stack answers with
// all values.
func (vectors) Questions(by stack.Stack, m Served) ([]question, error) {
	var out []question
	for _, f := range forms() {
		how, ok := Whole(by, m.Task, f.input)
		if !ok {
			continue
		}
		in, err := f.form.committed(m)
		if err != nil {
			return nil, err
		}
		if len(in) > 0 {
			out = append(out, question{suite.Case{Task: m.Task, Model: m.Name, Proto: how.Proto, Input: f.input, Batch: 1}, how, in})
		}
	}
	return out, nil
}

var errNoValues = errors.New("the answer has no values")

func (vectors) Collect(to Right, it Item, form stack.Input, got Answers) error {
	v, ok := only[values](got)
	if !ok {
		return errNoValues
	}
	to.Golden.Answers[quality.ID(it.id, form)] = slices.Clone(v)
	return nil
}

// redoneVectors takes the answers that were computed anew for right ones.
type redoneVectors struct {
	form  stack.Input
	right Right
	judge Judge
}

func (r *redoneVectors) Add(it Item, k int, got, want Answers) {
	right, ok := only[values](want)
	if it.Golden = ok; ok && r.right.Golden != nil {
		r.right.Golden.Answers[quality.ID(it.id, r.form)] = slices.Clone(right)
	}
	examineItem(it, k, got, r.form, r.judge)
}

func (r *redoneVectors) Verdict() quality.Verdict {
	v := r.judge.Verdict()
	v.Rule = "drawn at random, " + v.Rule
	return v
}
