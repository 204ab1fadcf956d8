package golden

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stackbench"
	"stackbench/internal/host"
	"stackbench/internal/quality"
	"stackbench/internal/task"
)

// maker says, in a verdict, whose answers stand in for PyTorch's.
const maker = "onnxruntime (embedded stack), no PyTorch outputs of these weights"

// readCommitted reads the golden answers in testdata, when they are of the served
// weights; else why there are none. Those that are damaged are an error.
func (m *Model) readCommitted() error {
	known, err := task.KindOf(m.Task).Committed(m.Served)
	var other *quality.OtherWeights
	switch {
	case err == nil:
		m.Right = known
	case errors.Is(err, fs.ErrNotExist) || errors.As(err, &other):
		m.Ungolden = host.OneLine(err)
	default:
		return err
	}
	return nil
}

// StandIn makes sure that there is something to hold the model's answers
// against. Where no golden answers are of its weights, those of the group's
// reference stack stand in: they cannot show that all stacks are wrong alike,
// but they do show that one is. They are kept beside the weights. The note is
// for the reader, "" where there is nothing to say; when the model has no right
// answers even then, its windows will be invalid for the reason in Ungolden.
func (s *Store) StandIn(ctx context.Context, m *Model) (note string) {
	if m.Known() || m.sought {
		return ""
	}
	kept, err := s.readOrMake(ctx, m)
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return "" // not the model's fault, and not to be remembered
	case err != nil:
		m.Ungolden += ", and the embedded stack cannot make reference answers: " + host.OneLine(err)
		note = m.Name + ": " + m.Ungolden
	default:
		note = fmt.Sprintf("%s: %s; answers are held against those of %s", m.Name, m.Ungolden, maker)
		if kept != nil {
			note += "\n" + kept.Error()
		}
	}
	m.sought = true
	return note
}

// readOrMake reads the answers that stand in, or makes and keeps them. That they
// could not be kept takes nothing from them.
func (s *Store) readOrMake(ctx context.Context, m *Model) (kept, err error) {
	path, err := s.path(m)
	if err != nil {
		return nil, err
	}
	if file, err := os.ReadFile(path); err == nil {
		if known, err := task.KindOf(m.Task).Decode(file, m.Served); err == nil {
			known.Ungolden = m.Ungolden
			m.Right = known
			return nil, nil
		}
	}
	known, err := s.make(ctx, m)
	if err != nil {
		return nil, err
	}
	known.Ungolden = m.Ungolden
	m.Right = known
	file, err := task.KindOf(m.Task).Encode(known)
	if err != nil {
		return nil, err
	}
	return keep(path, file), nil
}

// path names the file after the weights and the inputs, so that it is never taken
// for the answers of others.
func (s *Store) path(m *Model) (string, error) {
	inputs := sha256.New()
	err := fs.WalkDir(stackbench.Testdata(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "golden/") {
			return err
		}
		content, err := fs.ReadFile(stackbench.Testdata(), path)
		fmt.Fprintf(inputs, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read inputs: %w", err)
	}
	name := fmt.Sprintf("reference-%.12s-%.8x.%s", m.SHA256, inputs.Sum(nil), task.KindOf(m.Task).Ending())
	return filepath.Join(s.Host.Cache, "models", m.Name, name), nil
}

// make starts the reference stack, and asks it every committed input once.
func (s *Store) make(ctx context.Context, m *Model) (task.Right, error) {
	if s.Reference.Name == "" {
		return task.Right{}, ErrNoReference
	}
	k := task.KindOf(m.Task)
	all, err := k.Questions(s.Reference, m.Served)
	if err != nil {
		return task.Right{}, err
	}
	if len(all) == 0 {
		return task.Right{}, ErrNoReference
	}
	ses, err := s.ReferenceSession(ctx, m)
	if err != nil {
		return task.Right{}, err
	}
	defer func() { _ = ses.Stop(ctx) }()
	out := k.None(m.Served, maker)
	for _, a := range all {
		up, err := ses.Server(ctx, a.Case, a.How, false)
		if err != nil {
			return task.Right{}, err
		}
		if err := up.KnowsWeights(); err != nil {
			return task.Right{}, err
		}
		if err := a.Ask(ctx, m.Served, up.Endpoint, func(it task.Item, got task.Answers) error { return k.Collect(out, it, a.Case.Input, got) }); err != nil {
			return task.Right{}, fmt.Errorf("reference answers of %s: %w", m.Name, err)
		}
	}
	return out, nil
}

// ErrNoReference says that no stack can stand in for right answers.
var ErrNoReference = errors.New("the group names no reference stack")

// keep writes a file so that another process sees it whole or not at all.
func keep(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".reference-*")
	if err != nil {
		return fmt.Errorf("keep reference answers: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("keep reference answers: %w", err)
	}
	return nil
}
