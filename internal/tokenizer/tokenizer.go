// Package tokenizer turns text into the token ids of a WordPiece or a byte-level
// BPE model, as its tokenizer.json says, and ids of the latter into text. The
// vocabulary search of WordPiece is github.com/sugarme/tokenizer's. What comes
// before it is done here, because that library's normaliser keeps accents, joins
// words at Unicode spaces, ignores added tokens in capitals and panics on U+023A
// and U+023E. BPE is done here as a whole: that library cuts words with a regular
// expression that lacks GPT-2's lookahead, so that blanks go to the wrong tokens.
package tokenizer

import (
	"fmt"
	"math"
	"os"
)

// Unlimited is for Open: sequences of any length.
const Unlimited = math.MaxInt32

// Tokenizer encodes text. It is safe for concurrent use.
type Tokenizer struct {
	model    encoder
	spelling spelling        // of BPE; nil otherwise
	added    [2][]addedToken // searched in the text as given, and in the normalised text
	before   []int64         // ids that open every sequence
	after    []int64         // ids that close it
	pad      int64
	max      int
}

// encoder turns text that has no added tokens in it into ids.
type encoder interface {
	normalize(s string) string
	// encode appends the ids of normalised text, and stops once there are limit of them.
	encode(ids []int64, s string, limit int) ([]int64, error)
}

// Open reads a tokenizer.json. maxTokens is the longest sequence that Encode
// returns, special tokens included; truncation and padding set in the file are
// ignored, since they belong to one use of it.
func Open(file string, maxTokens int) (*Tokenizer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("open tokenizer: %w", err)
	}
	t, err := Parse(data, maxTokens)
	if err != nil {
		return nil, fmt.Errorf("open tokenizer %s: %w", file, err)
	}
	return t, nil
}

// Parse is Open for the content of a tokenizer.json.
func Parse(data []byte, maxTokens int) (*Tokenizer, error) {
	t, err := parse(data)
	if err != nil {
		return nil, err
	}
	if least := len(t.before) + len(t.after) + 1; maxTokens < least {
		return nil, fmt.Errorf("sequences of at most %d tokens leave no room for text: at least %d needed", maxTokens, least)
	}
	t.max = maxTokens
	return t, nil
}

// PadID is the id that fills sequences of a batch up to the longest.
func (t *Tokenizer) PadID() int64 { return t.pad }

// Encode gives the ids of the text between the model's special tokens, at most
// maxTokens in all: what is too long loses its end, never its last special token.
func (t *Tokenizer) Encode(text string) ([]int64, error) {
	limit := t.max - len(t.after)
	ids := append(make([]int64, 0, min(t.max, len(text)/3+8)), t.before...)
	for raw, id := range split(text, t.added[0]) {
		if id >= 0 {
			ids = append(ids, id)
			continue
		}
		for part, id := range split(t.model.normalize(raw), t.added[1]) {
			if id >= 0 {
				ids = append(ids, id)
				continue
			}
			var err error
			if ids, err = t.model.encode(ids, part, limit); err != nil {
				return nil, err
			}
		}
		if len(ids) >= limit {
			break
		}
	}
	return append(ids[:min(len(ids), limit)], t.after...), nil
}
