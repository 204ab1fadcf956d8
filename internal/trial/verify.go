package trial

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/suite"
	"stackbench/internal/task"
)

const (
	drawnAnswers = 20              // that are checked of a leaf, beside those to committed inputs
	probePairs   = 12              // inputs that are sent twice to find a cache
	leastPairs   = 4               // of them, where a request takes long
	probeBudget  = 4 * time.Second // for all of them, about
)

// kept is an answer that can be checked, to one item of a request.
type kept struct {
	n     int // of the request
	k     int // of the item in it
	got   task.Answers
	claim int // tokens that it was said to have
}

// prove does, after the windows, what shows that the answers were computed: any
// of the inputs that were sent may turn out to have been checked, and none that
// comes again may be answered from memory. The server has nothing else to do by
// then, and the reference stack has nothing to do before.
func (r *Rig) prove(ctx context.Context, l Leaf, k taken) (taken, error) {
	if !l.Case.Load.Sought() && k.sum.Good == 0 {
		return k, nil // there is nothing to prove
	}
	proof := k.obs.evidence.Answers
	list := k.sample()
	drawn, unchecked := r.redo(ctx, l, k.work, list)
	if unchecked != nil && context.Cause(ctx) != nil {
		return k, unchecked
	}
	k.verdict = k.verdict.And(drawn)
	proof.OK, proof.Reason, proof.Error = k.verdict.OK(), k.verdict.Reason(), k.verdict.Error
	proof.Claims = task.KindOf(l.Case.Task).Claims(l.Subject.model.Served, l.Subject.model.Right, claimed(list))
	proof.Claims.Streams = k.streams()
	var err error
	if proof.Pairs, err = pairs(ctx, l, k); err != nil {
		return k, err
	}
	k.sum = meter.Summarise(k.windows, k.obs.evidence)
	if unchecked != nil && !errors.Is(unchecked, golden.ErrNoReference) {
		k.sum.Doubts = append(k.sum.Doubts, meter.Reason{Rule: meter.RuleAnswers, Text: "no answer drawn at random could be checked: " + host.OneLine(unchecked)})
	}
	return k, nil
}

// streams are the tokens of all answers that came as streams.
func (k taken) streams() meter.Streams {
	var s meter.Streams
	for _, w := range k.windows {
		for _, rec := range w.Records {
			if rec.Outcome == record.Good && rec.Output != nil {
				s.Add(*rec.Output)
			}
		}
	}
	return s
}

// place is an item of a record's request.
type place struct{ record, item int }

// sample draws answers by a seed that no server can know.
func (k taken) sample() []kept {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	rng := rand.New(rand.NewChaCha8(seed))
	var all []record.Record
	for _, w := range k.windows {
		for _, rec := range w.Records {
			if rec.Answer != nil && rec.Outcome == record.Good {
				all = append(all, rec)
			}
		}
	}
	var places []place
	for i, rec := range all {
		for at, it := range k.work.In.Items(rec.Seq) {
			if !it.Golden { // else it is checked already, against better answers
				places = append(places, place{i, at})
			}
		}
	}
	rng.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	var out []kept
	for _, p := range places {
		rec := all[p.record]
		got, err := k.work.Decode(*rec.Answer, k.work.Count(rec.Seq))
		if err != nil {
			continue // examine has said so
		}
		one := kept{n: rec.Seq, k: p.item, got: got}
		if rec.Output != nil {
			one.claim = rec.Output.Tokens
		}
		if out = append(out, one); len(out) == drawnAnswers {
			break
		}
	}
	return out
}

// redo holds the drawn answers against those of the reference stack.
func (r *Rig) redo(ctx context.Context, l Leaf, sent *task.Work, list []kept) (quality.Verdict, error) {
	if len(list) == 0 {
		return quality.Verdict{}, nil
	}
	w, err := r.again(ctx, l, sent, list)
	if err != nil {
		return quality.Verdict{}, err
	}
	defer func() { _ = w.Close() }()
	maker := "the embedded stack"
	if l.Subject.Stack.Name == r.Golden.Reference.Name {
		maker = "the same stack, asked alone"
	}
	m := l.Subject.model
	with := task.KindOf(l.Case.Task).Redone(m.Served, l.Case, maker, l.Subject.Stack.Floats[r.Host.Device])
	err = w.Each(ctx, len(list), func(seq int, a record.Answer) error {
		want, err := w.Decode(a, 1)
		if err == nil {
			with.Add(w.In.Items(seq)[0], list[seq].k, list[seq].got, want)
		}
		return err
	})
	if err != nil {
		return quality.Verdict{}, err
	}
	return with.Verdict(), nil
}

// again are drawn inputs of what was sent, as requests of one item to the reference stack.
func (r *Rig) again(ctx context.Context, l Leaf, sent *task.Work, list []kept) (*task.Work, error) {
	ref, m := r.Golden.Reference, l.Subject.model
	how, ok := task.Whole(ref, m.Task, l.Case.Input)
	if !ok {
		return nil, golden.ErrNoReference
	}
	var inputs task.Fixed
	for _, one := range list {
		b, err := sent.In.Batch(one.n)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, b.Only(one.k).Brief())
	}
	up := l.Subject.Up
	if l.Subject.Stack.Name != ref.Name {
		var err error
		if l.Subject.reference == nil {
			if l.Subject.reference, err = r.Golden.ReferenceSession(ctx, m); err != nil {
				return nil, err
			}
		}
		c := suite.Case{Task: m.Task, Model: m.Name, Proto: how.Proto, Input: l.Case.Input, Lengths: l.Case.Lengths, Batch: 1}
		if up, err = l.Subject.reference.Server(ctx, c, how, false); err != nil {
			return nil, err
		}
		if err := up.KnowsWeights(); err != nil {
			return nil, err
		}
	}
	return task.Assemble(inputs, how, m.Served, up.Endpoint)
}

// pairs sends new inputs and then the same again, one request at a time.
func pairs(ctx context.Context, l Leaf, k taken) ([]meter.Pair, error) {
	if l.Case.Share {
		return nil, nil // it may keep what prompts begin with
	}
	in, err := probes(k.work)
	if err != nil {
		return nil, err
	}
	w, err := task.Assemble(in, l.How, l.Subject.model.Served, k.obs.server.Endpoint)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	c, err := w.Target.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("probe for a cache: %w", err)
	}
	defer func() { _ = c.Close() }()
	return probe(ctx, len(in), func(ctx context.Context, n int) (time.Duration, error) {
		reply := c.Do(ctx, n)
		if reply.Outcome != record.Good {
			return 0, fmt.Errorf("probe for a cache: the request ended as %q (code %d): %w", reply.Outcome, reply.Code, reply.Err)
		}
		return reply.Done.Sub(reply.Sent), nil
	})
}

// probe times each input when it is new and when it comes again, behind the next
// new one: a cache that takes a moment to fill is found, too. Of inputs that take
// long there are fewer.
func probe(ctx context.Context, inputs int, ask func(ctx context.Context, n int) (time.Duration, error)) ([]meter.Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, task.TextLimit)
	defer cancel()
	var pairs []meter.Pair
	var spent time.Duration
	for n := range inputs {
		fresh, err := ask(ctx, n)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, meter.Pair{New: fresh})
		spent += fresh
		if n == 0 {
			continue
		}
		old, err := ask(ctx, n-1)
		if err != nil {
			return nil, err
		}
		pairs[n-1].Again = old
		spent += old
		if n >= leastPairs && spent > probeBudget {
			return pairs[:n], nil
		}
	}
	return pairs[:max(0, len(pairs)-1)], nil
}

// probes are inputs of what was sent that no window has had. Of text, short
// answers are asked for: it is the prompt that a cache would know.
func probes(sent *task.Work) (task.Fixed, error) {
	all := sent.In
	var random [8]byte
	_, _ = crand.Read(random[:]) // never fails
	window := int(binary.LittleEndian.Uint32(random[:])>>10) | 1<<22
	var out task.Fixed
	for n := window << task.WindowBits; len(out) <= probePairs; n++ {
		if slices.ContainsFunc(all.Items(n), func(it task.Item) bool { return it.Golden }) && len(all.Items(n)) == 1 {
			continue
		}
		b, err := all.Batch(n)
		if err != nil {
			return nil, err
		}
		out = append(out, b.Brief())
	}
	return out, nil
}

// claimed are the answers with what they were said to hold.
func claimed(list []kept) []task.Claim {
	var out []task.Claim
	for _, one := range list {
		out = append(out, task.Claim{Tokens: one.claim, Got: one.got})
	}
	return out
}
