package workload

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"unicode"
)

// Text is one text to embed.
type Text struct {
	ID     string // of the entry in testdata/texts; of a made one its number
	Golden bool
	Text   string
}

// sentence is an entry of testdata/texts/texts.json.
type sentence struct {
	ID     string `json:"id"`
	Bucket int    `json:"bucket"`
	Text   string `json:"text"`
}

// Texts makes texts of a token bucket.
type Texts struct {
	known  []sentence
	words  lexicon
	bucket int
}

// special is how many tokens a model puts around a text.
const special = 2

// NewTexts makes texts of a token bucket: 16, 64 or 256.
func NewTexts(testdata fs.FS, bucket int) (*Texts, error) {
	list, err := readJSON[[]sentence](testdata, "texts/texts.json")
	if err != nil {
		return nil, err
	}
	t := &Texts{bucket: bucket}
	for _, s := range list {
		if s.Bucket == bucket {
			t.known = append(t.known, s)
		}
	}
	if len(t.known) == 0 {
		return nil, fmt.Errorf("no texts of about %d tokens\nuse a bucket of testdata/texts/texts.json: 16, 64 or 256", bucket)
	}
	t.words, err = readLexicon(testdata)
	return t, err
}

// Known gives the committed texts, each as it is.
func (t *Texts) Known() []Text {
	var out []Text
	for _, s := range t.known {
		out = append(out, Text{ID: s.ID, Golden: true, Text: s.Text})
	}
	return out
}

// ID is that of Text, without making it.
func (t *Texts) ID(i int) (id string, golden bool) {
	if before, ok := Committed(place(i)); ok {
		return t.known[before%len(t.known)].ID, true
	}
	return fmt.Sprintf("made-%d", i), false
}

// Text is text number i of a salt: a committed one with some letters and spaces
// changed, which a model that lower-cases and splits at white space does not
// see, where Committed says so; else sentences in words that no other has in
// that order, of three quarters to all of the bucket's tokens, as the committed ones.
func (t *Texts) Text(salt uint64, i int) Text {
	id, golden := t.ID(i)
	rng := salted(salt, i)
	if before, ok := Committed(place(i)); ok {
		return Text{ID: id, Golden: golden, Text: vary(rng, t.known[before%len(t.known)].Text)}
	}
	fill := 0.75 + 0.25*rng.Float64()
	tokens := max(openingTokens+1, int(fill*float64(t.bucket)+0.5)-special)
	text := t.words.opening(salt, i) + t.words.text(rng, tokens-openingTokens)
	return Text{ID: id, Text: text[1:]}
}

// openingTokens is how many an opening has.
const openingTokens = 6

// opening is the sentence that a text begins with: no two of some million
// successive texts have the same.
func (w lexicon) opening(salt uint64, i int) string {
	nouns, verbs := uint64(len(w.Nouns)), uint64(len(w.Verbs))
	n := scatter(salt, i, nouns*verbs*nouns)
	return " The " + w.Nouns[n%nouns] + " " + w.Verbs[n/nouns%verbs] + " the " + w.Nouns[n/nouns/verbs] + "."
}

// vary changes about one letter in eight and one space in four.
func vary(rng *rand.Rand, text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == ' ' && rng.IntN(4) == 0:
			b.WriteString("  ")
		case r <= unicode.MaxASCII && unicode.IsLower(r) && rng.IntN(8) == 0:
			b.WriteRune(unicode.ToUpper(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
