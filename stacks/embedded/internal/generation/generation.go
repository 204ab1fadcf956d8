// Package generation makes text: from a prompt to chunks of an answer, token by
// token. Decoding is greedy; each answer is computed alone, in a batch of one.
package generation

import (
	"encoding/json"
	"unicode/utf8"

	"stackbench/stacks/embedded/internal/fault"
)

// Request is what to generate from, and how much.
type Request struct {
	Prompt    string
	Max       int  // tokens
	Min       int  // before these the token that ends an answer is not chosen, whatever else is said, as by vLLM
	IgnoreEOS bool // the token that ends an answer is one like others, without text
}

// DefaultMax is how many tokens are generated when a request does not say:
// OpenAI's number.
const DefaultMax = 16

// Check refuses what no model could answer; errors are of kind Invalid.
func (r Request) Check() error {
	switch {
	case r.Prompt == "":
		return fault.New(fault.Invalid, "the prompt is empty")
	case !utf8.ValidString(r.Prompt):
		return fault.New(fault.Invalid, "the prompt is not UTF-8")
	case r.Max < 1:
		return fault.New(fault.Invalid, "max_tokens is %d: at least 1 is needed", r.Max)
	case r.Min < 0 || r.Min > r.Max:
		return fault.New(fault.Invalid, "min_tokens is %d: it can be 0 to max_tokens, which is %d", r.Min, r.Max)
	}
	return nil
}

// Sampling is how requests say, in JSON, what is to be generated: the names are
// OpenAI's and vLLM's.
type Sampling struct {
	MaxTokens   *int     `json:"max_tokens"`
	MinTokens   int      `json:"min_tokens"`
	IgnoreEOS   bool     `json:"ignore_eos"`
	Temperature *float64 `json:"temperature"`
	Count       *int     `json:"n"`
	Stop        asked    `json:"stop"`
	Logprobs    asked    `json:"logprobs"`
	Echo        bool     `json:"echo"`
}

// asked is whether a value was given, whatever it is.
type asked bool

// UnmarshalJSON takes null, false and an empty list for none.
func (a *asked) UnmarshalJSON(raw []byte) error {
	*a = string(raw) != "null" && string(raw) != "false" && string(raw) != "[]"
	return nil
}

// Request is the order for a prompt; errors, of kind Invalid, say what this
// server cannot do, since leaving it out would answer another question.
func (s Sampling) Request(prompt string) (Request, error) {
	switch {
	case s.Temperature != nil && *s.Temperature != 0:
		return Request{}, fault.New(fault.Invalid, "temperature is %g: only greedy decoding, 0, is done here", *s.Temperature)
	case s.Count != nil && *s.Count != 1:
		return Request{}, fault.New(fault.Invalid, "n is %d: only one answer is given here", *s.Count)
	case bool(s.Stop || s.Logprobs) || s.Echo:
		return Request{}, fault.New(fault.Invalid, "stop, logprobs and echo are not done here")
	}
	r := Request{Prompt: prompt, Max: DefaultMax, Min: s.MinTokens, IgnoreEOS: s.IgnoreEOS}
	if s.MaxTokens != nil {
		r.Max = *s.MaxTokens
	}
	return r, r.Check()
}

// ParseSampling reads Sampling where it comes by itself.
func ParseSampling(raw []byte) (Sampling, error) {
	var s Sampling
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fault.New(fault.Invalid, "parse the sampling parameters: %v", err)
	}
	return s, nil
}

// Why an answer ended.
const (
	Stop   = "stop"   // the model ended it
	Length = "length" // it has max_tokens
)

// Chunk is one token of an answer, or its end where the model ended it.
type Chunk struct {
	Text   string // maybe empty: a part of a character, or a special token
	Tokens int    // 1; 0 where the model ended the answer: its end token is no part of it
	Finish string // Stop or Length in the last chunk
	Prompt int    // tokens of the prompt
	Total  int    // tokens generated so far
}
