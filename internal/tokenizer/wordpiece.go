package tokenizer

import (
	"fmt"

	"github.com/sugarme/tokenizer/model/wordpiece"
)

// wordPiece is the model of BERT and its kin.
type wordPiece struct {
	model wordpiece.WordPiece
	norm  normalizer
}

func newWordPiece(f *file) (*wordPiece, error) {
	switch {
	case f.Normalizer.Type != "BertNormalizer":
		return nil, fmt.Errorf("normalizer %q is not BertNormalizer", f.Normalizer.Type)
	case f.PreTokenizer.Type != "BertPreTokenizer":
		return nil, fmt.Errorf("pre-tokenizer %q is not BertPreTokenizer", f.PreTokenizer.Type)
	case f.Model.MaxChars < wholeWord:
		return nil, fmt.Errorf("max_input_chars_per_word %d is less than %d", f.Model.MaxChars, wholeWord)
	}
	if _, ok := f.Model.Vocab[f.Model.Unknown]; !ok {
		return nil, fmt.Errorf("the unknown token %q is not in the vocabulary", f.Model.Unknown)
	}
	m := &wordPiece{norm: normalizer{
		clean: f.Normalizer.Clean, chinese: f.Normalizer.Chinese,
		accents: f.Normalizer.Lower, lower: f.Normalizer.Lower,
	}}
	if f.Normalizer.Accents != nil {
		m.norm.accents = *f.Normalizer.Accents
	}
	m.model = wordpiece.NewWordPieceBuilder().Vocab(&f.Model.Vocab).UnkToken(f.Model.Unknown).
		ContinuingSubwordPrefix(f.Model.Prefix).MaxInputCharsPerWord(f.Model.MaxChars).Build()
	return m, nil
}

func (m *wordPiece) normalize(s string) string { return m.norm.apply(s) }

func (m *wordPiece) encode(ids []int64, s string, limit int) ([]int64, error) {
	for word := range words(s) {
		if len(ids) >= limit {
			break
		}
		if id, ok := m.model.TokenToId(word); ok && len(word) <= wholeWord {
			ids = append(ids, int64(id))
			continue
		}
		tokens, err := m.model.Tokenize(word)
		if err != nil {
			return nil, fmt.Errorf("tokenise %.20q: %w", word, err)
		}
		for _, k := range tokens {
			ids = append(ids, int64(k.Id))
		}
	}
	return ids, nil
}

// wholeWord bounds the words that may be looked up at once: WordPiece gives a
// longer one up as unknown, by its count of characters, even when it is an entry.
const wholeWord = 16
