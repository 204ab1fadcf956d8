// Package tgi speaks the own contract of Hugging Face's Text Generation
// Inference: POST /generate, and POST /generate_stream, whose events are one
// token each and which ends with the whole text; as of 2.2 a [DONE] follows. Its OpenAI routes are package
// openai's.
package tgi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/sse"
)

// order is the body of a request of either route. TGI has no way to force the
// output's length: an answer may end early, at the model's end of text.
type order struct {
	Inputs     string     `json:"inputs"`
	Parameters parameters `json:"parameters"`
}

type parameters struct {
	Tokens  int  `json:"max_new_tokens"`
	Sample  bool `json:"do_sample"`
	Details bool `json:"details"`
	Seed    int  `json:"seed"`
}

// Encode builds a request to /generate, or to /generate_stream.
func Encode(p generation.Prompt, stream bool) (http1.Request, error) {
	if err := p.Check(); err != nil {
		return http1.Request{}, fmt.Errorf("encode tgi request: %w", err)
	}
	if p.Exact {
		return http1.Request{}, errors.New("encode tgi request: TGI cannot be told an exact output length")
	}
	body, err := json.Marshal(order{p.Text, parameters{Tokens: p.Tokens, Details: true, Seed: p.Seed}})
	if err != nil {
		return http1.Request{}, fmt.Errorf("encode tgi request: %w", err)
	}
	path, accept := "/generate", "application/json"
	if stream {
		path, accept = "/generate_stream", "text/event-stream"
	}
	return http1.Request{
		Method: "POST",
		Path:   path,
		Header: []http1.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: accept}},
		Body:   body,
	}, nil
}

// WholeEvents hears answers of /generate.
func WholeEvents() http1.Streaming { return generation.WholeEvents(markWhole) }

// StreamEvents hears streams of /generate_stream.
func StreamEvents() http1.Streaming { return sse.Events(mark) }

// mark tells events apart: each is a token, with text or without; the last one
// has the whole text once more; an error is no token.
func mark(e sse.Event) generation.Mark {
	var m generation.Mark
	for o := generation.Object(e.Data); o.Next(); {
		switch string(o.Name) {
		case "token":
			if generation.Told(o.Value) {
				m.Tokens = 1
				m.Content = generation.HasText(generation.Field(o.Value, "text"))
			}
		case "generated_text":
			m.End = generation.Told(o.Value)
		case "details":
			m.Total = generation.Count(generation.Field(o.Value, "generated_tokens"))
			m.Fault = m.Fault || generation.GivenUp(generation.Field(o.Value, "finish_reason"))
		case "error":
			m.Fault = m.Fault || generation.Told(o.Value)
		}
	}
	if string(e.Type) == "error" {
		return generation.Mark{Fault: true}
	}
	return m
}

func markWhole(body []byte) generation.Mark {
	m := mark(sse.Event{Data: body})
	m.Content = generation.HasText(generation.Field(body, "generated_text"))
	return m
}

type details struct {
	Finish string `json:"finish_reason"`
	Tokens int    `json:"generated_tokens"`
	Prompt int    `json:"input_length"` // of a stream alone
}

type event struct {
	Token *struct {
		Text string `json:"text"`
	} `json:"token"`
	Text    *string  `json:"generated_text"`
	Details *details `json:"details"`
	Error   string   `json:"error"`
}

// DecodeText reads a kept answer of /generate.
func DecodeText(a record.Answer) (generation.Text, error) {
	e, err := decode(a.Body)
	if err != nil {
		return generation.Text{}, err
	}
	if e.Text == nil {
		return generation.Text{}, fmt.Errorf("decode tgi answer: no generated_text in %.60q", a.Body)
	}
	return e.whole(), nil
}

// DecodeStream reads a kept stream of /generate_stream. The text is that of its
// tokens, special ones included, which the last event's leaves out.
func DecodeStream(a record.Answer) (generation.Text, error) {
	var joined string
	var last event
	chunks := 0
	err := sse.Each(a.Body, func(v sse.Event) error {
		if last.Text != nil && string(bytes.TrimSpace(v.Data)) == "[DONE]" {
			return nil
		}
		if last.Text != nil {
			return fmt.Errorf("decode tgi answer: an event after the last one: %.60q", v.Data)
		}
		e, err := decode(v.Data)
		if err != nil {
			return err
		}
		if e.Token != nil && e.Token.Text != "" {
			joined += e.Token.Text
			chunks++
		}
		last = e
		return nil
	})
	switch {
	case err != nil:
		return generation.Text{}, err
	case last.Text == nil:
		return generation.Text{}, errors.New("decode tgi answer: the stream has no event with the generated_text")
	}
	t := last.whole()
	t.Text, t.Chunks = joined, chunks
	return t, nil
}

func decode(data []byte) (event, error) {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return e, fmt.Errorf("decode tgi answer: it is not the contract's JSON (it begins with %.60q): %w", data, err)
	}
	if e.Error != "" {
		return e, fmt.Errorf("decode tgi answer: the server says %.200q", e.Error)
	}
	if e.Details != nil && generation.GaveUp(e.Details.Finish) {
		return e, fmt.Errorf("decode tgi answer: the server gave the request up: finish_reason %q", e.Details.Finish)
	}
	return e, nil
}

func (e event) whole() generation.Text {
	t := generation.Text{Text: *e.Text}
	if d := e.Details; d != nil {
		t.Tokens, t.Prompt, t.Finish = d.Tokens, d.Prompt, d.Finish
	}
	return t
}
