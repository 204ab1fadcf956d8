package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stackbench"
	"stackbench/internal/boot"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
)

// standIn says, in a verdict, whose answers stand in for PyTorch's.
const standIn = "onnxruntime (embedded stack), no PyTorch outputs of these weights"

// committed reads the golden answers in testdata, when they are of the served
// weights; else why there are none.
func (m *reference) committed() error {
	if m.Task == stack.TextGeneration {
		g, err := quality.ReadTexts(stackbench.Testdata(), m.Name)
		if ok, err := m.usable(err, func() error { return g.Match(m.SHA256) }); !ok {
			return err
		}
		m.texts = g
		return nil
	}
	g, err := quality.ReadGolden(stackbench.Testdata(), m.Name)
	if ok, err := m.usable(err, func() error { return g.Match(m.SHA256) }); !ok {
		return err
	}
	m.golden = g
	return nil
}

// usable says whether answers could be read and are of the served weights; why
// not is noted, and is an error only when they are damaged.
func (m *reference) usable(err error, match func() error) (bool, error) {
	if err == nil {
		err = match()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err != nil {
		m.ungolden = oneLine(err)
	}
	return err == nil, nil
}

// refer makes sure that there is something to hold the model's answers
// against. Where no golden answers are of its weights, those of the group's
// reference stack stand in: they cannot show that all stacks are wrong alike,
// but they do show that one is. They are kept beside the weights. What is
// returned is for the reader; when the model still has no reference, its
// windows will be invalid for the reason in ungolden.
func (s *store) refer(ctx context.Context, m *reference) (note string) {
	if m.golden != nil || m.texts != nil || m.sought {
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
	var file []byte
	if m.Task == stack.TextGeneration {
		file, err = s.standInTexts(ctx, m, path)
	} else {
		file, err = s.standInVectors(ctx, m, path)
	}
	if err != nil || file == nil {
		return nil, err
	}
	return keep(path, file), nil
}

// standInVectors gives what is to be kept, nil when it was.
func (s *store) standInVectors(ctx context.Context, m *reference, path string) (file []byte, err error) {
	if m.golden, err = readReference(path, m); err == nil {
		return nil, nil
	}
	if m.golden, err = s.makeReference(ctx, m); err != nil {
		return nil, err
	}
	return m.golden.Encode()
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
	format := "safetensors"
	if m.Task == stack.TextGeneration {
		format = "json"
	}
	name := fmt.Sprintf("reference-%.12s-%.8x.%s", m.SHA256, inputs.Sum(nil), format)
	return filepath.Join(s.env.cache, "models", m.Name, name), nil
}

func readReference(path string, m *reference) (*quality.Golden, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, err := quality.Decode(file)
	if err != nil {
		return nil, err
	}
	if g.Model != m.Name {
		return nil, fmt.Errorf("%s is of %s", path, g.Model)
	}
	return g, g.Match(m.SHA256)
}

// makeReference starts the reference stack and asks it every committed input once.
func (s *store) makeReference(ctx context.Context, m *reference) (*quality.Golden, error) {
	if s.of.Name == "" {
		return nil, errNoReference
	}
	ses, err := s.helper(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { _ = ses.stop(ctx) }()
	g := &quality.Golden{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: standIn, Answers: map[string][]float32{}}
	for _, form := range []stack.Input{stack.JPEG, stack.Tensor, stack.Text} {
		how, ok := whole(s.of, m.Task, form)
		if !ok {
			continue
		}
		c := Case{Task: m.Task, Model: m.Name, Proto: how.Proto, Input: form, Batch: 1}
		up, err := ses.server(ctx, c, how, false)
		if err != nil {
			return nil, err
		}
		if err := known(up); err != nil {
			return nil, err
		}
		if err := m.ask(ctx, g.Answers, c, how, up.endpoint); err != nil {
			return nil, fmt.Errorf("reference answers of %s: %w", m.Name, err)
		}
	}
	return g, nil
}

var errNoReference = errors.New("the group names no reference stack")

// known says that a server's weights are known.
func known(up *server) error {
	if up.boot.Launcher == boot.Attach {
		return fmt.Errorf("%s is attached, and its weights are not known to be these", up.boot.Name)
	}
	return nil
}

// whole finds a way in which a stack answers with all values, not the best few.
func whole(s stack.Stack, t stack.Task, form stack.Input) (stack.Capability, bool) {
	i := slices.IndexFunc(s.Serves, func(c stack.Capability) bool {
		return c.Task == t && c.Input == form && c.Proto == stack.REST && answersWhole(c)
	})
	if i < 0 {
		return stack.Capability{}, false
	}
	return s.Serves[i], true
}

// ask puts the answers to every committed input of the case's form into to.
func (m *reference) ask(ctx context.Context, to map[string][]float32, c Case, how stack.Capability, at stack.Endpoint) error {
	batches, err := everything(c, m.served)
	if err != nil {
		return err
	}
	w, err := assemble(batches, how, m.served, at)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	return w.each(ctx, len(batches), func(seq int, a record.Answer) error {
		it := w.in.items(seq)[0]
		got, err := w.decode(a, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", it.id, err)
		}
		to[quality.ID(it.id, c.Input)] = slices.Clone(got.vectors[0])
		return nil
	})
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
