// Package openai speaks OpenAI's contracts: POST /v1/embeddings with a list of
// texts, one vector a text as the answer; and POST /v1/completions and
// /v1/chat/completions, with generated text at once or as server-sent events.
package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// Embeddings is a decoded answer: the vectors in the order of the texts.
type Embeddings struct {
	Model        string
	Vectors      [][]float32
	PromptTokens int
	TotalTokens  int
}

// Encode builds the request for texts, whose vectors come as JSON numbers.
func Encode(model string, texts []string) (http1.Request, error) {
	if model == "" || len(texts) == 0 {
		return http1.Request{}, fmt.Errorf("encode openai request: it needs a model and a text")
	}
	body, err := json.Marshal(struct {
		Model    string   `json:"model"`
		Input    []string `json:"input"`
		Encoding string   `json:"encoding_format"`
	}{model, texts, "float"})
	if err != nil {
		return http1.Request{}, fmt.Errorf("encode openai request: %w", err)
	}
	return http1.Request{
		Method: "POST",
		Path:   "/v1/embeddings",
		Header: []http1.Field{{Name: "Content-Type", Value: "application/json"}},
		Body:   body,
	}, nil
}

// vector is an embedding. A decoder takes null for zero; but null is how JSON
// writers put what is no number.
type vector []float32

func (v *vector) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*[]float32)(v)); err != nil || !bytes.Contains(b, []byte("null")) {
		return err
	}
	var values []*float32
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	if i := slices.Index(values, nil); i >= 0 {
		return fmt.Errorf("value %d is null", i)
	}
	return nil
}

type answer struct {
	Model string `json:"model"`
	Data  []struct {
		Index     *int   `json:"index"`
		Embedding vector `json:"embedding"`
	} `json:"data"`
	Usage struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	} `json:"usage"`
}

// Decode reads a kept answer to count texts. Each vector must have dim finite
// values; dim 0 takes any length that all share. Token counts are 0 where the
// server gives none.
func Decode(a record.Answer, count, dim int) (Embeddings, error) {
	var m answer
	if err := json.Unmarshal(a.Body, &m); err != nil {
		return Embeddings{}, fmt.Errorf("decode openai answer: the body is not the contract's JSON (it begins with %.60q): %w", a.Body, err)
	}
	e := Embeddings{Model: m.Model, PromptTokens: m.Usage.Prompt, TotalTokens: m.Usage.Total}
	if len(m.Data) != count {
		return e, fmt.Errorf("decode openai answer: %d embeddings for %d texts in %.60q", len(m.Data), count, a.Body)
	}
	if e.PromptTokens < 0 || e.TotalTokens < e.PromptTokens {
		return e, fmt.Errorf("decode openai answer: usage counts %d of %d tokens", e.PromptTokens, e.TotalTokens)
	}
	e.Vectors = make([][]float32, count)
	for i, d := range m.Data {
		if d.Index == nil || *d.Index < 0 || *d.Index >= count || e.Vectors[*d.Index] != nil {
			return e, fmt.Errorf("decode openai answer: entry %d has no index of its own from 0 to %d", i, count-1)
		}
		if dim == 0 {
			dim = len(d.Embedding)
		}
		if err := check(d.Embedding, dim); err != nil {
			return e, fmt.Errorf("decode openai answer: embedding %d: %w", *d.Index, err)
		}
		e.Vectors[*d.Index] = d.Embedding
	}
	return e, nil
}

func check(v []float32, dim int) error {
	if len(v) == 0 || len(v) != dim {
		return fmt.Errorf("%d values, not %d", len(v), dim)
	}
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("value %d is %v", i, x)
		}
	}
	return nil
}
