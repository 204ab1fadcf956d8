// Package wsgen speaks the WebSocket contract that stackbench's own servers
// stream generated text by; docs/wsgen.md describes it. One message asks, one
// message a chunk answers, a last one ends the answer, and the connection stays
// for the next request.
package wsgen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
)

// Path is where servers take the connection.
const Path = "/v1/generate"

// The types of message.
const (
	typeGenerate = "generate"
	typeToken    = "token"
	typeEnd      = "end"
	typeError    = "error"
)

// Request is the client's message.
type Request struct {
	Type   string `json:"type"` // generate
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
	Tokens int    `json:"max_tokens"`
	Exact  bool   `json:"exact"`
	Seed   int    `json:"seed"`
}

// Message is one of the server's.
type Message struct {
	Type    string `json:"type"`                    // token, end or error
	Text    string `json:"text,omitempty"`          // of a token; may be empty
	Tokens  int    `json:"tokens,omitempty"`        // of a token: how many came with it; of an end: all
	Prompt  int    `json:"prompt_tokens,omitempty"` // of an end
	Finish  string `json:"finish_reason,omitempty"` // of an end
	Code    int    `json:"code,omitempty"`          // of an error, as HTTP has them
	Message string `json:"message,omitempty"`       // of an error
}

// Encode builds the message that asks for a prompt's text.
func Encode(p generation.Prompt) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("encode websocket request: %w", err)
	}
	if p.Model == "" {
		return nil, errors.New("encode websocket request: it needs a model")
	}
	b, err := json.Marshal(Request{Type: typeGenerate, Model: p.Model, Prompt: p.Text, Tokens: p.Tokens, Exact: p.Exact, Seed: p.Seed})
	if err != nil {
		return nil, fmt.Errorf("encode websocket request: %w", err)
	}
	return b, nil
}

// mark tells messages apart by their bytes.
func mark(data []byte) generation.Mark {
	kind := generation.Field(data, "type")
	switch {
	case generation.IsString(kind, typeToken):
		return generation.Mark{Content: generation.HasText(generation.Field(data, "text")), Tokens: generation.Count(generation.Field(data, "tokens"))}
	case generation.IsString(kind, typeEnd):
		return generation.Mark{
			End: true, Total: generation.Count(generation.Field(data, "tokens")), Bare: true,
			Fault: generation.GivenUp(generation.Field(data, "finish_reason")),
		}
	}
	return generation.Mark{Fault: true} // an error, or no message of the contract
}

// code is an error message's; 0 when it has none.
func code(data []byte) int { return generation.Count(generation.Field(data, "code")) }

// Decode reads a kept answer: its messages, a line each.
func Decode(a record.Answer) (generation.Text, error) {
	var t generation.Text
	ended := false
	for line := range bytes.Lines(a.Body) {
		var m Message
		if err := json.Unmarshal(line, &m); err != nil {
			return t, fmt.Errorf("decode websocket answer: a message is not the contract's JSON (it begins with %.60q): %w", line, err)
		}
		if ended {
			return t, fmt.Errorf("decode websocket answer: a message after the end: %.60q", line)
		}
		switch m.Type {
		case typeToken:
			t.Text += m.Text
			if m.Text != "" {
				t.Chunks++
			}
		case typeEnd:
			ended = true
			t.Tokens, t.Prompt, t.Finish = m.Tokens, m.Prompt, m.Finish
			if generation.GaveUp(m.Finish) {
				return t, fmt.Errorf("decode websocket answer: the server gave the request up: finish_reason %q", m.Finish)
			}
		case typeError:
			return t, fmt.Errorf("decode websocket answer: the server says %d %.200q", m.Code, m.Message)
		default:
			return t, fmt.Errorf("decode websocket answer: a message of type %.60q", m.Type)
		}
	}
	if !ended {
		return t, errors.New("decode websocket answer: there is no end")
	}
	return t, nil
}
