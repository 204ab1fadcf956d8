package bench

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
	"stackbench/internal/boot"
	"stackbench/internal/quality"
)

// standIn says, in a verdict, whose answers stand in for PyTorch's.
const standIn = "onnxruntime (embedded stack), no PyTorch outputs of these weights"

// committed reads the golden answers in testdata, when they are of the served
// weights; else why there are none. Those that are damaged are an error.
func (m *reference) committed() error {
	known, err := kindOf(m.Task).committed(m.served)
	var other *quality.OtherWeights
	switch {
	case err == nil:
		m.right = known
	case errors.Is(err, fs.ErrNotExist) || errors.As(err, &other):
		m.ungolden = oneLine(err)
	default:
		return err
	}
	return nil
}

// refer makes sure that there is something to hold the model's answers
// against. Where no golden answers are of its weights, those of the group's
// reference stack stand in: they cannot show that all stacks are wrong alike,
// but they do show that one is. They are kept beside the weights. What is
// returned is for the reader; when the model still has no reference, its
// windows will be invalid for the reason in ungolden.
func (s *store) refer(ctx context.Context, m *reference) (note string) {
	if m.known() || m.sought {
		return ""
	}
	kept, err := s.standIn(ctx, m)
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return "" // not the model's fault, and not to be remembered
	case err != nil:
		m.ungolden += ", and the embedded stack cannot make reference answers: " + oneLine(err)
		note = m.Name + ": " + m.ungolden
	default:
		note = fmt.Sprintf("%s: %s; answers are held against those of %s", m.Name, m.ungolden, standIn)
		if kept != nil {
			note += "\n" + kept.Error()
		}
	}
	m.sought = true
	return note
}

// standIn reads the reference answers, or makes and keeps them. That they could
// not be kept takes nothing from them.
func (s *store) standIn(ctx context.Context, m *reference) (kept, err error) {
	path, err := s.referencePath(m)
	if err != nil {
		return nil, err
	}
	if file, err := os.ReadFile(path); err == nil {
		if known, err := kindOf(m.Task).decode(file, m.served); err == nil {
			known.ungolden, m.right = m.ungolden, known
			return nil, nil
		}
	}
	known, err := s.make(ctx, m)
	if err != nil {
		return nil, err
	}
	known.ungolden, m.right = m.ungolden, known
	file, err := kindOf(m.Task).encode(known)
	if err != nil {
		return nil, err
	}
	return keep(path, file), nil
}

// referencePath names the file after the weights and the inputs, so that it is
// never taken for the answers of others.
func (s *store) referencePath(m *reference) (string, error) {
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
	name := fmt.Sprintf("reference-%.12s-%.8x.%s", m.SHA256, inputs.Sum(nil), kindOf(m.Task).ending())
	return filepath.Join(s.env.cache, "models", m.Name, name), nil
}

// make starts the reference stack and asks it every committed input once.
func (s *store) make(ctx context.Context, m *reference) (right, error) {
	if s.of.Name == "" {
		return right{}, errNoReference
	}
	k := kindOf(m.Task)
	all, err := k.questions(s.of, m.served)
	if err != nil {
		return right{}, err
	}
	if len(all) == 0 {
		return right{}, errNoReference
	}
	ses, err := s.helper(ctx, m)
	if err != nil {
		return right{}, err
	}
	defer func() { _ = ses.stop(ctx) }()
	out := k.none(m.served, standIn)
	for _, a := range all {
		up, err := ses.server(ctx, a.c, a.how, false)
		if err != nil {
			return right{}, err
		}
		if err := known(up); err != nil {
			return right{}, err
		}
		if err := a.ask(ctx, m.served, up.endpoint, func(it item, got answers) error { return k.collect(out, it, a.c.Input, got) }); err != nil {
			return right{}, fmt.Errorf("reference answers of %s: %w", m.Name, err)
		}
	}
	return out, nil
}

var errNoReference = errors.New("the group names no reference stack")

// known says that a server's weights are known.
func known(up *server) error {
	if up.boot.Launcher == boot.Attach {
		return fmt.Errorf("%s is attached, and its weights are not known to be these", up.boot.Name)
	}
	return nil
}

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
