package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tokenizerData is the content of the model's tokenizer.json: the origin's own,
// or one made from the model that lends its vocabulary.
func (j *job) tokenizerData(ctx context.Context, c choice) ([]byte, error) {
	if c.words.file != "" {
		return c.words.read()
	}
	lender, err := lookup(j.entries, j.entry.vocab)
	if err != nil {
		return nil, err
	}
	data, err := j.lent(ctx, lender)
	if err != nil {
		return nil, fmt.Errorf("tokenizer of %s: %w", lender.Name, err)
	}
	switch j.entry.Architecture {
	case "mpnet":
		return mpnetTokenizer(data)
	case "opt":
		return filled(data, j.entry.Decoder.Vocab)
	}
	return data, nil
}

// lent finds another model's tokenizer: in the user's folder, in the store, or at its origins.
func (j *job) lent(ctx context.Context, lender entry) ([]byte, error) {
	for _, dir := range []string{j.Local, j.Dir} {
		if data, err := os.ReadFile(filepath.Join(dir, lender.Name, TokenizerFile)); dir != "" && err == nil {
			return data, nil
		}
	}
	missed := []error{errors.New("no copy here")}
	for _, o := range slices.Concat(lender.origins, lender.lexicon) {
		if o.tokenizer.from == "" {
			continue
		}
		words, err := j.words(ctx, o)
		if err == nil {
			return words.read()
		}
		if final(ctx, err) {
			return nil, err
		}
		missed = append(missed, fmt.Errorf("%s: %s", o.source, firstLine(err)))
	}
	return nil, errors.New(strings.ReplaceAll(errors.Join(missed...).Error(), "\n", "; "))
}

// mpnetTokenizer turns a BERT tokenizer into MPNet's: the same WordPiece with
// four tokens before its vocabulary and <mask> after it, and a sequence between
// <s> and </s>. microsoft/mpnet-base was trained with exactly this vocabulary.
func mpnetTokenizer(bert []byte) ([]byte, error) {
	var file map[string]json.RawMessage
	var model struct {
		Type    string         `json:"type"`
		Unknown string         `json:"unk_token"`
		Prefix  string         `json:"continuing_subword_prefix"`
		Max     int            `json:"max_input_chars_per_word"`
		Vocab   map[string]int `json:"vocab"`
	}
	if err := json.Unmarshal(bert, &file); err != nil {
		return nil, fmt.Errorf("read BERT tokenizer: %w", err)
	}
	if err := json.Unmarshal(file["model"], &model); err != nil {
		return nil, fmt.Errorf("read BERT tokenizer: model: %w", err)
	}
	head := []string{"<s>", "<pad>", "</s>", "<unk>"}
	vocab := make(map[string]int, len(model.Vocab)+len(head)+1)
	for token, id := range model.Vocab {
		vocab[token] = id + len(head)
	}
	for id, token := range head {
		vocab[token] = id
	}
	vocab["<mask>"] = len(model.Vocab) + len(head)
	model.Vocab = vocab

	var added []addedToken
	for _, token := range append(head, model.Unknown, "<mask>") {
		added = append(added, addedToken{ID: vocab[token], Content: token, Left: token == "<mask>", Special: true})
	}
	for key, value := range map[string]any{
		"model": model, "added_tokens": added, "truncation": nil, "padding": nil, "decoder": nil,
		"post_processor": roberta{Type: "RobertaProcessing", SEP: pair{"</s>", 2}, CLS: pair{"<s>", 0}, Trim: true},
	} {
		data, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		file[key] = data
	}
	return json.Marshal(file)
}

// addedToken and roberta are parts of a tokenizer.json.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	Left       bool   `json:"lstrip"`
	Right      bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type roberta struct {
	Type  string `json:"type"`
	SEP   pair   `json:"sep"`
	CLS   pair   `json:"cls"`
	Trim  bool   `json:"trim_offsets"`
	Space bool   `json:"add_prefix_space"`
}

// pair is a token with its id, an array of two in JSON.
type pair struct {
	token string
	id    int
}

func (p pair) MarshalJSON() ([]byte, error) { return json.Marshal([]any{p.token, p.id}) }
