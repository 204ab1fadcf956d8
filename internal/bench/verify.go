package bench

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
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
	got   answers
	claim int // tokens that it was said to have
}

// prove does, after the windows, what shows that the answers were computed: any
// of the inputs that were sent may turn out to have been checked, and none that
// comes again may be answered from memory. The server has nothing else to do by
// then, and the reference has nothing to do before.
func (r *rig) prove(ctx context.Context, l leaf, k taken) (taken, error) {
	if !l.c.Load.sought() && k.sum.Good == 0 {
		return k, nil // there is nothing to prove
	}
	proof := k.obs.evidence.Answers
	list := k.sample()
	drawn, unchecked := r.redo(ctx, l, list)
	if unchecked != nil && context.Cause(ctx) != nil {
		return k, unchecked
	}
	k.verdict = k.verdict.And(drawn)
	proof.OK, proof.Reason, proof.Error = k.verdict.OK(), k.verdict.Reason(), k.verdict.Error
	proof.Claims = kindOf(l.c.Task).claims(l.session.model.served, l.session.model.right, claimed(list))
	proof.Claims.Streams = k.streams()
	var err error
	if proof.Pairs, err = r.pairs(ctx, l, k.obs.server); err != nil {
		return k, err
	}
	k.sum = meter.Summarise(k.windows, k.obs.evidence)
	if unchecked != nil && !errors.Is(unchecked, errNoReference) {
		k.sum.Doubts = append(k.sum.Doubts, meter.Reason{Rule: meter.RuleAnswers, Text: "no answer drawn at random could be checked: " + oneLine(unchecked)})
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
		for at, it := range k.work.in.items(rec.Seq) {
			if !it.golden { // else it is checked already, against better answers
				places = append(places, place{i, at})
			}
		}
	}
	rng.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	var out []kept
	for _, p := range places {
		rec := all[p.record]
		got, err := k.work.decode(*rec.Answer, k.work.count(rec.Seq))
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
func (r *rig) redo(ctx context.Context, l leaf, list []kept) (quality.Verdict, error) {
	if len(list) == 0 {
		return quality.Verdict{}, nil
	}
	w, err := r.again(ctx, l, list)
	if err != nil {
		return quality.Verdict{}, err
	}
	defer func() { _ = w.close() }()
	maker := "the embedded stack"
	if l.session.stack.Name == r.store.of.Name {
		maker = "the same stack, asked alone"
	}
	m := l.session.model
	with := kindOf(l.c.Task).redone(m.served, l.c, maker, l.session.stack.Floats[r.env.device])
	err = w.each(ctx, len(list), func(seq int, a record.Answer) error {
		want, err := w.decode(a, 1)
		if err == nil {
			with.add(w.in.items(seq)[0], list[seq].k, list[seq].got, want)
		}
		return err
	})
	if err != nil {
		return quality.Verdict{}, err
	}
	return with.verdict(), nil
}

// again are the drawn inputs as requests of one item to the reference.
func (r *rig) again(ctx context.Context, l leaf, list []kept) (*work, error) {
	ref, m := r.store.of, l.session.model
	how, ok := whole(ref, m.Task, l.c.Input)
	if !ok {
		return nil, errNoReference
	}
	in, err := r.store.supply.draw(l.c, l.how, m.served)
	if err != nil {
		return nil, err
	}
	var inputs fixed
	for _, one := range list {
		b, err := in.batch(one.n)
		if err != nil {
			return nil, err
		}
		b = b.only(one.k)
		b.prompt.Tokens = min(b.prompt.Tokens, drawnTokens)
		inputs = append(inputs, b)
	}
	up := l.session.up
	if l.session.stack.Name != ref.Name {
		if l.session.oracle == nil {
			if l.session.oracle, err = r.store.helper(ctx, m); err != nil {
				return nil, err
			}
		}
		c := Case{Task: m.Task, Model: m.Name, Proto: how.Proto, Input: l.c.Input, Lengths: l.c.Lengths, Batch: 1}
		if up, err = l.session.oracle.server(ctx, c, how, false); err != nil {
			return nil, err
		}
		if err := known(up); err != nil {
			return nil, err
		}
	}
	return assemble(inputs, how, m.served, up.endpoint)
}

// pairs sends new inputs and then the same again, one request at a time.
func (r *rig) pairs(ctx context.Context, l leaf, s *server) ([]meter.Pair, error) {
	if l.c.Share {
		return nil, nil // it may keep what prompts begin with
	}
	in, err := r.probes(l)
	if err != nil {
		return nil, err
	}
	w, err := assemble(in, l.how, l.session.model.served, s.endpoint)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.close() }()
	c, err := w.target.Dial(ctx)
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
	ctx, cancel := context.WithTimeout(ctx, textLimit)
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

// probes are inputs of the case that no window has had. Of text, short answers
// are asked for: it is the prompt that a cache would know.
func (r *rig) probes(l leaf) (fixed, error) {
	all, err := r.store.supply.draw(l.c, l.how, l.session.model.served)
	if err != nil {
		return nil, err
	}
	var random [8]byte
	_, _ = crand.Read(random[:]) // never fails
	window := int(binary.LittleEndian.Uint32(random[:])>>10) | 1<<22
	var out fixed
	for n := window << windowBits; len(out) <= probePairs; n++ {
		if slices.ContainsFunc(all.items(n), func(it item) bool { return it.golden }) && len(all.items(n)) == 1 {
			continue
		}
		b, err := all.batch(n)
		if err != nil {
			return nil, err
		}
		b.prompt.Tokens = min(b.prompt.Tokens, drawnTokens)
		out = append(out, b)
	}
	return out, nil
}

// claimed are the answers with what they were said to hold.
func claimed(list []kept) []claim {
	var out []claim
	for _, one := range list {
		out = append(out, claim{one.claim, one.got})
	}
	return out
}
