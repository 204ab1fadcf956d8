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
	Text    string          `json:"text"`
	Message piece           `json:"message"`
	Delta   piece           `json:"delta"`
	Finish  finish          `json:"finish_reason"`
	Error   json.RawMessage `json:"error"`
}

// piece is a chat's text. Reasoning has several names.
type piece struct {
	Content   pieces   `json:"content"`
	Reasoning pieces   `json:"reasoning_content"`
	Thoughts  pieces   `json:"reasoning"`
	Details   pieces   `json:"reasoning_details"`
	Refusal   pieces   `json:"refusal"`
	Call      function `json:"function_call"`
	Calls     []struct {
		Function function `json:"function"`
	} `json:"tool_calls"`
}

type function struct {
	Arguments arguments `json:"arguments"`
}

// text is all that the choice holds. Details repeat the reasoning where both are
// sent.
func (c choice) text() string {
	all := c.Text
	for _, p := range []piece{c.Message, c.Delta} {
		thoughts := string(p.Reasoning + p.Thoughts)
		if thoughts == "" {
			thoughts = string(p.Details)
		}
		all += thoughts + string(p.Content+p.Refusal) + string(p.Call.Arguments)
		for _, call := range p.Calls {
			all += string(call.Function.Arguments)
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
	if err := m.addTo(&t); err != nil {
		return t, err
	}
	t.Chunks = 0
	return t, nil
}

// DecodeStream reads a kept stream of either route.
func DecodeStream(a record.Answer) (generation.Text, error) {
	var t generation.Text
	ended := false
	err := sse.Each(a.Body, func(e sse.Event) error {
		if isEnd(e) {
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
		return m.addTo(&t)
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

func (m completion) addTo(t *generation.Text) error {
	for _, c := range m.Choices {
		switch {
		case len(c.Error) > 0 && string(c.Error) != "null":
			return fmt.Errorf("decode openai answer: the server says %.200s", c.Error)
		case generation.GaveUp(string(c.Finish)):
			return fmt.Errorf("decode openai answer: the server gave the request up: finish_reason %q", c.Finish)
		}
		text := c.text()
		t.Text += text
		if text != "" {
			t.Chunks++
		}
		if c.Finish != "" {
			t.Finish = string(c.Finish)
		}
	}
	if m.Usage != nil {
		t.Tokens, t.Prompt = m.Usage.Completion, m.Usage.Prompt
	}
	return nil
}
