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

	"stackbench"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

const (
	drawnAnswers = 20              // that are checked of a leaf, beside those to committed inputs
	drawnTokens  = 8               // of a text that the reference is asked for: enough for a first word
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
func (r *run) prove(ctx context.Context, l leaf, k taken) (taken, error) {
	if !l.c.Load.sought() && k.sum.Good == 0 {
		return k, nil // there is nothing to prove
	}
	proof := k.eye.evidence.Answers
	list := k.sample()
	drawn, unchecked := r.redo(ctx, l, list)
	if unchecked != nil && context.Cause(ctx) != nil {
		return k, unchecked
	}
	k.verdict = k.verdict.And(drawn)
	proof.OK, proof.Reason, proof.Error = k.verdict.OK(), k.verdict.Reason(), k.verdict.Error
	proof.Claims = r.claims(l, list)
	var err error
	if proof.Pairs, err = r.pairs(ctx, l, k.eye.server); err != nil {
		return k, err
	}
	k.sum = meter.Summarise(k.windows, k.eye.evidence)
	if unchecked != nil && !errors.Is(unchecked, errNoReference) {
		k.sum.Doubts = append(k.sum.Doubts, meter.Reason{Rule: meter.RuleAnswers, Text: "no answer drawn at random could be checked: " + oneLine(unchecked)})
	}
	return k, nil
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
func (r *run) redo(ctx context.Context, l leaf, list []kept) (quality.Verdict, error) {
	if len(list) == 0 {
		return quality.Verdict{}, nil
	}
	w, err := r.again(ctx, l, list)
	if err != nil {
		return quality.Verdict{}, err
	}
	defer func() { _ = w.close() }()
	maker := "the embedded stack"
	if l.session.stack.Name == r.env.group.Reference.Name {
		maker = "the same stack, asked alone"
	}
	precision := l.session.stack.Floats[r.env.device]
	if l.c.task() == stack.TextGeneration {
		o := quality.NewOpenings(maker, precision)
		err := w.each(ctx, len(list), func(seq int, a record.Answer) error {
			want, err := w.decode(a, 1)
			if err == nil {
				o.Add(w.in.items(seq)[0].id, want.text.Text, list[seq].got.text.Text)
			}
			return err
		})
		if err != nil {
			return quality.Verdict{}, err
		}
		return o.Verdict(), nil
	}
	m := l.session.model
	g := &quality.Golden{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: maker, Answers: map[string][]float32{}}
	j := r.env.judge(&reference{served: m.served, golden: g}, l.c, l.session.stack)
	if logits, ok := j.(*quality.Logits); ok {
		logits.Loosely()
	}
	err = w.each(ctx, len(list), func(seq int, a record.Answer) error {
		want, err := w.decode(a, 1)
		if err != nil {
			return err
		}
		it := w.in.items(seq)[0]
		it.golden = true
		g.Answers[quality.ID(it.id, l.c.Input)] = slices.Clone(want.vectors[0])
		examineItem(it, list[seq].k, list[seq].got, l.c.Input, j)
		return nil
	})
	if err != nil {
		return quality.Verdict{}, err
	}
	v := j.Verdict()
	v.Rule = "drawn at random, " + v.Rule
	return v, nil
}

// again are the drawn inputs as requests of one item to the reference.
func (r *run) again(ctx context.Context, l leaf, list []kept) (*work, error) {
	ref, m := r.env.group.Reference, l.session.model
	how, ok := whole(ref, m.Task, l.c.Input)
	if !ok {
		return nil, errNoReference
	}
	in, err := r.env.draw(l.c, l.how, m.served)
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
			if l.session.oracle, err = r.env.helper(ctx, m); err != nil {
				return nil, err
			}
		}
		c := Case{Model: m.Name, Proto: how.Proto, Input: l.c.Input, Lengths: l.c.Lengths, Batch: 1}
		if up, err = l.session.oracle.server(ctx, c, how, false); err != nil {
			return nil, err
		}
		if err := known(up); err != nil {
			return nil, err
		}
	}
	return assemble(inputs, how, m.served, up.endpoint)
}

// only is a batch of item k alone.
func (b batch) only(k int) batch {
	b.items = b.items[k : k+1]
	switch b.input {
	case stack.JPEG:
		b.files = b.files[k : k+1]
	case stack.IDs:
		b.ids = b.ids[k : k+1]
	case stack.Tensor:
		b.numbers = b.numbers[k*3*side*side : (k+1)*3*side*side]
	case stack.Text:
		if b.texts != nil {
			b.texts = b.texts[k : k+1]
		}
	}
	return b
}

// claims holds the tokens that answers were said to have against their texts.
func (r *run) claims(l leaf, list []kept) meter.Claims {
	m := l.session.model
	var c meter.Claims
	if l.c.task() != stack.TextGeneration || m.texts == nil {
		return c
	}
	for _, one := range list {
		if one.claim > 0 {
			c.Claimed = append(c.Claimed, ratio(m, one.claim, one.got.text.Text))
		}
	}
	if m.Tokenizer == nil {
		c.Honest = []float64{1} // a token has a byte at least
		return c
	}
	for _, lengths := range workload.KnownLengths() {
		prompts, err := workload.KnownPrompts(stackbench.Testdata(), lengths)
		if err != nil {
			return meter.Claims{}
		}
		for _, p := range prompts {
			if a, ok := m.texts.Answers[p.ID]; ok {
				c.Honest = append(c.Honest, ratio(m, p.Tokens, a.Text))
			}
		}
	}
	return c
}

// ratio is the tokens of an answer for each that its text has: for each byte,
// where the tokenizer is not known.
func ratio(m *reference, tokens int, text string) float64 {
	if m.Tokenizer == nil {
		return float64(tokens) / float64(max(1, len(text)))
	}
	ids, err := m.Tokenizer.Encode(text)
	if err != nil || len(ids) == 0 {
		return float64(tokens)
	}
	return float64(tokens) / float64(len(ids))
}

// pairs sends new inputs and then the same again, one request at a time.
func (r *run) pairs(ctx context.Context, l leaf, s *server) ([]meter.Pair, error) {
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
func (r *run) probes(l leaf) (fixed, error) {
	all, err := r.env.draw(l.c, l.how, l.session.model.served)
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
