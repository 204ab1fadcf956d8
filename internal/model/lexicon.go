package model

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"stackbench/internal/model/gguf"
)

// lexicon is a tokenizer as an origin has it.
type lexicon struct {
	file   string // "" means none
	format format
	merges string // the second file of OpenAI's two
}

// words brings an origin's tokenizer into the downloads folder.
func (j *job) words(ctx context.Context, o origin) (lexicon, error) {
	if o.tokenizer.from == "" {
		return lexicon{}, nil
	}
	l := lexicon{format: o.tokenizer.format}
	var err error
	if l.file, err = j.file(ctx, o, o.tokenizer); err != nil || o.tokenizer.merges == nil {
		return l, err
	}
	l.merges, err = j.file(ctx, o, *o.tokenizer.merges)
	return l, err
}

// read gives it as the content of a tokenizer.json.
func (l lexicon) read() ([]byte, error) {
	switch l.format {
	case ggml:
		return l.fromGGUF()
	case openAI:
		return l.fromOpenAI()
	}
	return os.ReadFile(l.file)
}

// bytePair is a tokenizer.json of byte-level BPE, as Hugging Face's tokenizers
// writes it.
type bytePair struct {
	Version    string       `json:"version"`
	Truncation *struct{}    `json:"truncation"`
	Padding    *struct{}    `json:"padding"`
	Added      []addedToken `json:"added_tokens"`
	Normalizer *struct{}    `json:"normalizer"`
	Before     splitter     `json:"pre_tokenizer"`
	After      splitter     `json:"post_processor"`
	Decoder    splitter     `json:"decoder"`
	Model      struct {
		Type   string         `json:"type"`
		Vocab  map[string]int `json:"vocab"`
		Merges []string       `json:"merges"`
	} `json:"model"`
}

// splitter is a step before or after the model.
type splitter struct {
	Type       string     `json:"type"`
	Steps      []splitter `json:"pretokenizers,omitempty"`
	Prefix     bool       `json:"add_prefix_space"`
	Trim       bool       `json:"trim_offsets"`
	Regex      bool       `json:"use_regex"`
	Individual bool       `json:"individual_digits,omitempty"`
}

// newBytePair is the tokenizer of a vocabulary, its merges and its special tokens.
func newBytePair(vocab map[string]int, merges []string, special ...string) bytePair {
	level := splitter{Type: "ByteLevel", Trim: true, Regex: true}
	b := bytePair{Version: "1.0", Before: level, After: level, Decoder: level}
	b.Model.Type, b.Model.Vocab, b.Model.Merges = "BPE", vocab, merges
	for _, token := range special {
		b.Added = append(b.Added, addedToken{ID: vocab[token], Content: token, Special: true})
	}
	return b
}

// fromOpenAI joins GPT-2's encoder.json and vocab.bpe.
func (l lexicon) fromOpenAI() ([]byte, error) {
	encoder, err := os.ReadFile(l.file)
	if err != nil {
		return nil, err
	}
	var vocab map[string]int
	if err := json.Unmarshal(encoder, &vocab); err != nil {
		return nil, fmt.Errorf("read encoder.json: %w", err)
	}
	bpe, err := os.ReadFile(l.merges)
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(bpe), "\n") // the first line is its version
	if !ok {
		return nil, fmt.Errorf("read vocab.bpe: no merges")
	}
	merges := strings.Split(strings.TrimRight(rest, "\n"), "\n")
	return json.Marshal(newBytePair(vocab, merges, "<|endoftext|>"))
}

// fromGGUF takes the tokenizer out of llama.cpp's file. SmolLM's is byte-level
// BPE that takes every digit for itself.
func (l lexicon) fromGGUF() ([]byte, error) {
	in, err := os.Open(l.file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	file, err := gguf.Read(in, info.Size())
	if err != nil {
		return nil, err
	}
	if kind := file.Texts["tokenizer.ggml.pre"]; kind != "smollm" {
		return nil, fmt.Errorf("its tokenizer splits texts like %q, only smollm is known here", kind)
	}
	const control = 3
	tokens, kinds := file.Lists["tokenizer.ggml.tokens"], file.Numbers["tokenizer.ggml.token_type"]
	if len(kinds) != len(tokens) {
		return nil, fmt.Errorf("%d tokens have %d types", len(tokens), len(kinds))
	}
	vocab := make(map[string]int, len(tokens))
	var special []string
	for id, token := range tokens {
		vocab[token] = id
		if kinds[id] == control {
			special = append(special, token)
		}
	}
	b := newBytePair(vocab, file.Lists["tokenizer.ggml.merges"], special...)
	b.Before = splitter{Type: "Sequence", Steps: []splitter{{Type: "Digits", Individual: true}, b.Before}}
	return json.Marshal(b)
}

// filled adds tokens up to a vocabulary's size: a model gives every id of its
// vocabulary, and a server must have a text for each.
func filled(data []byte, size int) ([]byte, error) {
	var b bytePair
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	for id := len(b.Model.Vocab); id < size; id++ {
		token := fmt.Sprintf("<|filler_%d|>", id)
		b.Added = append(b.Added, addedToken{ID: id, Content: token}) // not special: those are left out of texts
	}
	slices.SortFunc(b.Added, func(x, y addedToken) int { return x.ID - y.ID })
	return json.Marshal(b)
}
