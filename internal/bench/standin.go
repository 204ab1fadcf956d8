package bench

import (
	"context"
	"encoding/json"
	"os"

	"stackbench"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

// standInTexts finds or makes the texts of the reference stack, and gives what
// is to be kept of them, nil when it was.
func (s *store) standInTexts(ctx context.Context, m *reference, path string) (file []byte, err error) {
	if file, err := os.ReadFile(path); err == nil {
		if g, err := quality.ParseTexts(file); err == nil && g.Match(m.SHA256) == nil {
			m.texts = g
			return nil, nil
		}
	}
	if m.texts, err = s.makeTexts(ctx, m); err != nil {
		return nil, err
	}
	return json.Marshal(m.texts)
}

// makeTexts starts the reference stack and asks it every committed prompt once.
func (s *store) makeTexts(ctx context.Context, m *reference) (*quality.GoldenTexts, error) {
	if s.of.Name == "" {
		return nil, errNoReference
	}
	how, ok := s.of.Find(stack.TextGeneration, stack.REST, stack.Text, 1)
	if !ok {
		return nil, errNoReference
	}
	ses, err := s.helper(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { _ = ses.stop(ctx) }()
	up, err := ses.server(ctx, Case{Task: m.Task, Model: m.Name, Proto: stack.REST, Input: stack.Text, Lengths: Chat, Batch: 1}, how, false)
	if err != nil {
		return nil, err
	}
	if err := known(up); err != nil {
		return nil, err
	}
	g := &quality.GoldenTexts{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: standIn, Answers: map[string]quality.GoldenText{}}
	for _, lengths := range workload.KnownLengths() {
		list, err := workload.KnownPrompts(stackbench.Testdata(), lengths)
		if err != nil {
			return nil, err
		}
		in, err := given(list, how)
		if err != nil {
			return nil, err
		}
		w, err := assemble(in, how, m.served, up.endpoint)
		if err != nil {
			return nil, err
		}
		err = w.each(ctx, len(list), func(seq int, a record.Answer) error {
			got, err := w.decode(a, 1)
			if err == nil {
				g.Answers[list[seq].ID] = quality.GoldenText{Text: got.text.Text}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}
