package openai

import (
	"encoding/json"
	"errors"
	"fmt"

	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/sse"
)

// choice is one of an answer or an event of either route.
type choice struct {
	Text    string `json:"text"`
	Message piece  `json:"message"`
	Delta   piece  `json:"delta"`
	Finish  string `json:"finish_reason"`
}

// piece is a chat's text. Reasoning has two names.
type piece struct {
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content"`
	Thoughts  string `json:"reasoning"`
	Calls     []struct {
		Function struct {
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// text is all that the choice holds.
func (c choice) text() string {
	all := c.Text
	for _, p := range []piece{c.Message, c.Delta} {
		all += p.Reasoning + p.Thoughts + p.Content
		for _, call := range p.Calls {
			all += call.Function.Arguments
		}
	}
	return all
}

type completion struct {
	Choices []choice `json:"choices"`
	Usage   *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// DecodeText reads a kept whole answer of either route.
func DecodeText(a record.Answer) (generation.Text, error) {
	var t generation.Text
	m, err := decode(a.Body)
	if err != nil {
		return t, err
	}
	if len(m.Choices) != 1 {
		return t, fmt.Errorf("decode openai answer: %d choices in %.60q", len(m.Choices), a.Body)
	}
	m.addTo(&t)
	t.Chunks = 0
	return t, nil
}

// DecodeStream reads a kept stream of either route.
func DecodeStream(a record.Answer) (generation.Text, error) {
	var t generation.Text
	ended := false
	err := sse.Each(a.Body, func(e sse.Event) error {
		if string(e.Data) == string(end) {
			ended = true
			return nil
		}
		m, err := decode(e.Data)
		if err != nil {
			return err
		}
		if len(m.Choices) > 1 {
			return fmt.Errorf("decode openai answer: %d choices in %.60q", len(m.Choices), e.Data)
		}
		m.addTo(&t)
		return nil
	})
	if err == nil && !ended {
		err = errors.New("decode openai answer: the stream has no [DONE]")
	}
	return t, err
}

func decode(data []byte) (completion, error) {
	var m completion
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("decode openai answer: it is not the contract's JSON (it begins with %.60q): %w", data, err)
	}
	if len(m.Error) > 0 && string(m.Error) != "null" {
		return m, fmt.Errorf("decode openai answer: the server says %.200s", m.Error)
	}
	if m.Usage != nil && (m.Usage.Completion < 0 || m.Usage.Prompt < 0) {
		return m, fmt.Errorf("decode openai answer: usage counts %d and %d tokens", m.Usage.Prompt, m.Usage.Completion)
	}
	return m, nil
}

func (m completion) addTo(t *generation.Text) {
	for _, c := range m.Choices {
		text := c.text()
		t.Text += text
		if text != "" {
			t.Chunks++
		}
		if c.Finish != "" {
			t.Finish = c.Finish
		}
	}
	if m.Usage != nil {
		t.Tokens, t.Prompt = m.Usage.Completion, m.Usage.Prompt
	}
}
