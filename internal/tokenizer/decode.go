package tokenizer

import (
	"errors"
	"fmt"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// spelling has the bytes of each token; special ones have none.
type spelling map[int64]string

func newSpelling(f *file, back map[rune]byte) (spelling, error) {
	s := make(spelling, len(f.Model.Vocab)+len(f.Added))
	for word, id := range f.Model.Vocab {
		if other, ok := s[int64(id)]; ok {
			return nil, fmt.Errorf("%.20q and %.20q have the same id %d", word, other, id)
		}
		s[int64(id)] = spell(word, back)
	}
	for _, a := range f.Added {
		s[a.ID] = spell(a.Content, back)
		if a.Special {
			s[a.ID] = ""
		}
	}
	return s, nil
}

// spell gives the bytes that a token of the vocabulary stands for. One with a
// character outside the alphabet (an added token may have a blank) stands for itself.
func spell(word string, back map[rune]byte) string {
	out := make([]byte, 0, len(word))
	for _, r := range word {
		b, ok := back[r]
		if !ok {
			return word
		}
		out = append(out, b)
	}
	return string(out)
}

// Decode gives the text of ids without their special tokens; bytes that are no
// UTF-8 become U+FFFD. Only BPE models can be decoded.
func (t *Tokenizer) Decode(ids []int64) (string, error) {
	d, err := t.Decoder()
	if err != nil {
		return "", err
	}
	text := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		text = append(text, d.Add(id)...)
	}
	return string(append(text, d.Rest()...)), nil
}

var errNoDecoder = errors.New("only BPE models can be decoded, and this one is WordPiece")

// Decoder turns the ids of one text into its text, one after the other. It is
// not for use by several goroutines.
type Decoder struct {
	spelling spelling
	held     []byte // the beginning of a character
}

// Decoder begins a text.
func (t *Tokenizer) Decoder() (*Decoder, error) {
	if t.spelling == nil {
		return nil, errNoDecoder
	}
	return &Decoder{spelling: t.spelling}, nil
}

// Add gives the text that the next id completes. Of a character that it leaves
// incomplete the bytes are held back. An id that is no token's has no text: models
// may have more ids than their tokenizers.
func (d *Decoder) Add(id int64) string { return d.text(d.spelling[id], false) }

// Rest ends the text: U+FFFD when a character stayed incomplete, else nothing.
func (d *Decoder) Rest() string { return d.text("", true) }

// text replaces what is no UTF-8 as the standard recommends, and Rust does: each
// longest beginning of a character by one U+FFFD.
func (d *Decoder) text(part string, end bool) string {
	source := append(d.held, part...)
	out := make([]byte, 3*len(source)) // a U+FFFD has three bytes
	n, read, err := unicode.UTF8.NewDecoder().Transform(out, source, end)
	if err != nil && !errors.Is(err, transform.ErrShortSrc) {
		panic("decoding UTF-8 fails only where it needs more: " + err.Error())
	}
	d.held = append(d.held[:0], source[read:]...)
	return string(out[:n])
}
