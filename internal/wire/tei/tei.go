// Package tei speaks the contract of Hugging Face's text-embeddings-inference:
// POST /embed, or tei.v1.Embed over gRPC, where a request is one text. Source:
// its OpenAPI document and tei.proto, version 1.9.
package tei

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/tei/teipb"
)

// Method is the gRPC method of an embedding.
const Method = "/tei.v1.Embed/Embed"

// EncodeREST builds the request for texts. It asks for what is the default
// over HTTP and not over gRPC, so that both do the same: a text over the
// model's length is cut, and embeddings have the length 1.
func EncodeREST(texts []string) (http1.Request, error) {
	if len(texts) == 0 {
		return http1.Request{}, errors.New("encode tei request: no texts")
	}
	body, err := json.Marshal(struct {
		Inputs    []string `json:"inputs"`
		Truncate  bool     `json:"truncate"`
		Normalize bool     `json:"normalize"`
	}{texts, true, true})
	if err != nil {
		return http1.Request{}, fmt.Errorf("encode tei request: %w", err)
	}
	return http1.Request{
		Method: "POST", Path: "/embed",
		Header: []http1.Field{{Name: "Content-Type", Value: "application/json"}}, Body: body,
	}, nil
}

// DecodeREST reads a kept answer to that many texts: an embedding of width
// values each.
func DecodeREST(a record.Answer, texts, width int) ([][]float32, error) {
	var out [][]float32
	if err := json.Unmarshal(a.Body, &out); err != nil {
		return nil, fmt.Errorf("decode tei answer: the body is not the contract's JSON (it begins with %.60q): %w", a.Body, err)
	}
	if err := nulls(a.Body); err != nil {
		return nil, err
	}
	return out, check(out, texts, width)
}

// nulls finds what a decoder takes for zero, and what JSON writers put for a
// value that is no number.
func nulls(body []byte) error {
	if !bytes.Contains(body, []byte("null")) {
		return nil
	}
	var out [][]*float32
	if err := json.Unmarshal(body, &out); err != nil {
		return fmt.Errorf("decode tei answer: %w", err)
	}
	for i, v := range out {
		if at := slices.Index(v, nil); at >= 0 {
			return fmt.Errorf("decode tei answer: embedding %d: value %d is null", i, at)
		}
	}
	return nil
}

// EncodeGRPC builds a marshalled EmbedRequest for one text.
func EncodeGRPC(text string) ([]byte, error) {
	normalize := true
	b, err := proto.Marshal(&teipb.EmbedRequest{Inputs: text, Truncate: true, Normalize: &normalize})
	if err != nil {
		return nil, fmt.Errorf("encode tei request: %w", err)
	}
	return b, nil
}

// DecodeGRPC reads a kept EmbedResponse to one text.
func DecodeGRPC(a record.Answer, texts, width int) ([][]float32, error) {
	var m teipb.EmbedResponse
	if err := proto.Unmarshal(a.Body, &m); err != nil {
		return nil, fmt.Errorf("decode tei answer: the message is not an EmbedResponse (it begins with %.20q): %w", a.Body, err)
	}
	out := [][]float32{m.GetEmbeddings()}
	return out, check(out, texts, width)
}

func check(vectors [][]float32, texts, width int) error {
	if len(vectors) != texts {
		return fmt.Errorf("decode tei answer: %d embeddings for %d texts", len(vectors), texts)
	}
	for i, v := range vectors {
		if len(v) != width {
			return fmt.Errorf("decode tei answer: embedding %d has %d values, want %d", i, len(v), width)
		}
	}
	return nil
}
