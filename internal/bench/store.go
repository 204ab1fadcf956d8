package bench

import (
	"context"
	"fmt"

	"stackbench/internal/boot"
	"stackbench/internal/record"
	"stackbench/internal/stack"
)

// store holds the models' right answers, and makes them where there are none.
type store struct {
	env    *environment
	supply *supply
	of     stack.Stack // whose answers stand in; without a name: of nobody
	models map[string]*reference
}

// reference is a prepared model with what its answers are held against.
type reference struct {
	*prepared
	right
	sought bool // whether a stand-in for right answers was looked for
}

// newStore has no right answers yet. Inputs are those of the group.
func newStore(e *environment, g Group) *store {
	return &store{env: e, supply: &supply{options: e.options, group: g}, of: g.Reference, models: map[string]*reference{}}
}

// prepare makes a model ready and reads what its answers are held against.
func (s *store) prepare(ctx context.Context, name string) (*reference, error) {
	if m, ok := s.models[name]; ok {
		return m, nil
	}
	p, err := s.env.prepare(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	m := &reference{prepared: p}
	if err := m.committed(); err != nil {
		return nil, err
	}
	s.models[name] = m
	return m, nil
}

// judge holds answers against the right ones of the model.
func (s *store) judge(m *reference, c Case, by stack.Stack) judge {
	return judgeOf(c.Task, m.right, c.Input, by.Floats[s.env.device])
}

// session starts a stack with a model, and takes it for ready when it answers right.
func (s *store) session(by stack.Stack, m *reference) *session {
	return &session{env: s.env, stack: by, model: m.prepared, ready: asker{store: s, stack: by, model: m}.ready}
}

// helping is the session of a stack that is not measured.
func (s *store) helping(by stack.Stack, m *reference) *session {
	return &session{env: s.env, stack: by, model: m.prepared, helper: true, ready: asker{store: s, stack: by, model: m, helper: true}.ready}
}

// helper is the session of the stack that makes reference answers, whatever
// stacks are measured: it needs its library even where none of them loads one.
func (s *store) helper(ctx context.Context, m *reference) (*session, error) {
	if loadsLibrary(s.of) {
		if err := s.env.fetchLibrary(ctx, nil); err != nil {
			return nil, fmt.Errorf("find the library of %s: %w", s.of.Name, err)
		}
	}
	return s.helping(s.of, m), nil
}

// asker asks a stack that was started for a right answer.
type asker struct {
	store  *store
	stack  stack.Stack
	model  *reference
	helper bool // any answer will do
}

// ready sends one real request of the case and wants a right answer.
func (a asker) ready(ctx context.Context, c Case, how stack.Capability, at stack.Endpoint) error {
	c.Batch = 1
	if h, ok := a.stack.Find(c.Task, c.Proto, c.Input, 1); ok && !a.helper {
		how = h
	}
	w, err := a.store.supply.prepare(c, how, a.model.served, at)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	if err := up(ctx, a.stack.Ready, at, c.Model); err != nil {
		return err
	}
	conn, err := w.target.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	reply := conn.Do(ctx, w.known())
	if reply.Outcome != record.Good {
		return fmt.Errorf("the request ended as %q (code %d): %w", reply.Outcome, reply.Code, reply.Err)
	}
	j := a.store.judge(a.model, c, a.stack)
	if a.helper {
		j = kindOf(c.Task).unchecked("")
	}
	w.examine([]record.Record{{Seq: w.known(), Answer: &record.Answer{Head: reply.Head, Body: reply.Body}}}, c.Input, j)
	if u, ok := j.(blind); ok && u.Blind() { // the windows will be invalid, so that much is enough
		return wrong(u.Fault())
	}
	if v := j.Verdict(); !v.OK() {
		return wrong(fmt.Errorf("the answer is wrong: %s", v.Reason()))
	}
	return nil
}

// wrong says that asking again would not help; nil of nil.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	return &boot.Wrong{Err: err}
}
