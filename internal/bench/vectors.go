package bench

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
)

// vectors is what kinds of work have in common that answer an item with numbers.
type vectors struct{}

func (vectors) measured(Group, Case) *meter.Generation         { return nil }
func (vectors) guess(Case, Options) (time.Duration, bool)      { return 0, false }
func (vectors) unchecked(why string) judge                     { return &unchecked{why: why} }
func (vectors) claims(served, right, []claim) (c meter.Claims) { return c }
func (vectors) ending() string                                 { return "safetensors" }
func (vectors) encode(r right) ([]byte, error)                 { return r.golden.Encode() }

func (vectors) pace(_ context.Context, _ Options, _ *work, p load.Plan, _ int) (load.Plan, bool, error) {
	return p, false, nil
}

func (vectors) inputs(s *supply, c Case, _ stack.Capability, m served, salt uint64) (inputs, error) {
	album, err := s.pictures(c)
	if err != nil {
		return nil, err
	}
	return drawItems(s.group, c, m, album, salt)
}

func (vectors) committed(m served) (right, error) {
	g, err := quality.ReadGolden(stackbench.Testdata(), m.Name)
	if err != nil {
		return right{}, err
	}
	return right{golden: g}, g.Match(m.SHA256)
}

func (vectors) decode(file []byte, m served) (right, error) {
	g, err := quality.Decode(file)
	if err != nil {
		return right{}, err
	}
	if g.Model != m.Name {
		return right{}, fmt.Errorf("the answers are of %s", g.Model)
	}
	return right{golden: g}, g.Match(m.SHA256)
}

func (vectors) none(m served, maker string) right {
	return right{golden: &quality.Golden{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: maker, Answers: map[string][]float32{}}}
}

// questions are every committed input in each form to which the stack answers with
// all values.
func (vectors) questions(by stack.Stack, m served) ([]question, error) {
	var out []question
	for _, form := range []stack.Input{stack.JPEG, stack.Tensor, stack.Text} {
		how, ok := whole(by, m.Task, form)
		if !ok {
			continue
		}
		c := Case{Task: m.Task, Model: m.Name, Proto: how.Proto, Input: form, Batch: 1}
		in, err := everything(c, m)
		if err != nil {
			return nil, err
		}
		out = append(out, question{c, how, in})
	}
	return out, nil
}

var errNoValues = errors.New("the answer has no values")

func (vectors) collect(to right, it item, form stack.Input, got answers) error {
	if len(got.vectors) == 0 {
		return errNoValues
	}
	to.golden.Answers[quality.ID(it.id, form)] = slices.Clone(got.vectors[0])
	return nil
}

// redoneVectors takes the answers that were computed anew for right ones.
type redoneVectors struct {
	form  stack.Input
	right right
	judge judge
}

func (r *redoneVectors) add(it item, k int, got, want answers) {
	if it.golden = len(want.vectors) > 0; it.golden && r.right.golden != nil {
		r.right.golden.Answers[quality.ID(it.id, r.form)] = slices.Clone(want.vectors[0])
	}
	examineItem(it, k, got, r.form, r.judge)
}

func (r *redoneVectors) verdict() quality.Verdict {
	v := r.judge.Verdict()
	v.Rule = "drawn at random, " + v.Rule
	return v
}
