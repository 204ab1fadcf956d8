// Package golden holds the right answers of models: those committed, or those of a
// stack that stands in for them.
package golden

import (
	"context"
	"fmt"

	"stackbench/internal/boot"
	"stackbench/internal/host"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/task"
)

// Store holds the models' right answers, and makes them where there are none.
type Store struct {
	Host      *host.Host
	Supply    *task.Supply
	Reference stack.Stack // whose answers stand in; without a name: of nobody
	Models    map[string]*Model
}

// Model is a served model with what its answers are held against.
type Model struct {
	task.Served
	task.Right
	sought bool // whether a stand-in for right answers was looked for
}

// NewStore has no right answers yet. Inputs are those of the group, whose reference
// stack stands in for right answers.
func NewStore(h *host.Host, g suite.Group) *Store {
	return &Store{Host: h, Supply: &task.Supply{Options: h.Options, Group: g}, Reference: g.Reference, Models: map[string]*Model{}}
}

// Prepare makes a model ready, once, and reads the committed answers of its weights.
// Where there are none of them, Ungolden says why, and it is no error.
func (s *Store) Prepare(ctx context.Context, name string) (*Model, error) {
	if m, ok := s.Models[name]; ok {
		return m, nil
	}
	served, err := s.Host.Prepare(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	m := &Model{Served: served}
	if err := m.readCommitted(); err != nil {
		return nil, err
	}
	s.Models[name] = m
	return m, nil
}

// Judge holds answers of a stack against the right ones of the model, as closely as
// the precision allows in which the stack computes here.
func (s *Store) Judge(m *Model, c suite.Case, by stack.Stack) task.Judge {
	return task.JudgeOf(c.Task, m.Right, c.Input, by.Floats[s.Host.Device])
}

// Session starts a stack with a model, and takes it for ready when it answers right.
func (s *Store) Session(by stack.Stack, m *Model) *host.Session {
	return s.session(asker{store: s, stack: by, model: m})
}

// HelperSession is that of a stack which is not measured: any answer makes it ready.
func (s *Store) HelperSession(by stack.Stack, m *Model) *host.Session {
	return s.session(asker{store: s, stack: by, model: m, helper: true})
}

func (s *Store) session(a asker) *host.Session {
	return &host.Session{Host: s.Host, Stack: a.stack, Model: a.model.Model, Helper: a.helper, Ready: a.ready}
}

// ReferenceSession is that of the stack whose answers stand in, whatever stacks are
// measured: it needs its library even where none of them loads one.
func (s *Store) ReferenceSession(ctx context.Context, m *Model) (*host.Session, error) {
	if host.LoadsLibrary(s.Reference) {
		if err := s.Host.FetchLibrary(ctx, nil); err != nil {
			return nil, fmt.Errorf("find the library of %s: %w", s.Reference.Name, err)
		}
	}
	return s.HelperSession(s.Reference, m), nil
}

// asker asks a stack that was started for a right answer.
type asker struct {
	store  *Store
	stack  stack.Stack
	model  *Model
	helper bool // any answer will do
}

// ready sends one real request of the case and wants a right answer.
func (a asker) ready(ctx context.Context, c suite.Case, how stack.Capability, at stack.Endpoint) error {
	c.Batch = 1
	if h, ok := a.stack.Find(c.Task, c.Proto, c.Input, 1); ok && !a.helper {
		how = h
	}
	w, err := a.store.Supply.Prepare(c, how, a.model.Served, at)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	if err := host.AskReady(ctx, a.stack.Ready, at, c.Model); err != nil {
		return err
	}
	conn, err := w.Target.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	reply := conn.Do(ctx, w.Known())
	if reply.Outcome != record.Good {
		return fmt.Errorf("the request ended as %q (code %d): %w", reply.Outcome, reply.Code, reply.Err)
	}
	j := a.store.Judge(a.model, c, a.stack)
	if a.helper {
		j = task.KindOf(c.Task).Unchecked("")
	}
	w.Examine([]record.Record{{Seq: w.Known(), Answer: &record.Answer{Head: reply.Head, Body: reply.Body}}}, c.Input, j)
	if u, ok := j.(task.Blind); ok && u.Blind() { // the windows will be invalid, so that much is enough
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
