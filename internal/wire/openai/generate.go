package openai

import (
	"encoding/json"
	"errors"
	"fmt"

	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
)

// Delivery is how an answer is to come.
type Delivery string

const (
	Whole   Delivery = "whole"   // at once
	Stream  Delivery = "stream"  // as events; the last ones count the tokens
	Counted Delivery = "counted" // as events that each count the tokens so far, where the server can (vLLM, SGLang)
)

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type streamOptions struct {
	Usage bool `json:"include_usage"`
	Each  bool `json:"continuous_usage_stats,omitempty"`
}

// order is the body of a request, of either route. Greedy decoding and the seed
// are always sent: servers sample at temperature 1 by default.
type order struct {
	Model       string         `json:"model"`
	Prompt      string         `json:"prompt,omitempty"`
	Messages    []message      `json:"messages,omitempty"`
	MaxTokens   int            `json:"max_tokens"`
	MinTokens   int            `json:"min_tokens,omitempty"`
	IgnoreEOS   bool           `json:"ignore_eos,omitempty"`
	Temperature float64        `json:"temperature"`
	Seed        int            `json:"seed"`
	Stream      bool           `json:"stream"`
	Options     *streamOptions `json:"stream_options,omitempty"`
}

// EncodeCompletion builds a request to POST /v1/completions.
func EncodeCompletion(p generation.Prompt, d Delivery) (http1.Request, error) {
	return encode("/v1/completions", order{Prompt: p.Text}, p, d)
}

// EncodeChat builds a request to POST /v1/chat/completions: the prompt is a
// user's one message, and the server puts it into the model's template.
func EncodeChat(p generation.Prompt, d Delivery) (http1.Request, error) {
	return encode("/v1/chat/completions", order{Messages: []message{{"user", p.Text}}}, p, d)
}

func encode(path string, o order, p generation.Prompt, d Delivery) (http1.Request, error) {
	if err := p.Check(); err != nil {
		return http1.Request{}, fmt.Errorf("encode openai request: %w", err)
	}
	if p.Model == "" {
		return http1.Request{}, errors.New("encode openai request: it needs a model")
	}
	o.Model, o.MaxTokens, o.Seed = p.Model, p.Tokens, p.Seed
	if p.Exact {
		o.MinTokens, o.IgnoreEOS = p.Tokens, true
	}
	accept := "application/json"
	switch d {
	case Whole:
	case Stream, Counted:
		o.Stream, o.Options = true, &streamOptions{Usage: true, Each: d == Counted}
		accept = "text/event-stream"
	default:
		return http1.Request{}, fmt.Errorf("encode openai request: delivery %q is none of whole, stream and counted", d)
	}
	body, err := json.Marshal(o)
	if err != nil {
		return http1.Request{}, fmt.Errorf("encode openai request: %w", err)
	}
	return http1.Request{
		Method: "POST",
		Path:   path,
		Header: []http1.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: accept}},
		Body:   body,
	}, nil
}
