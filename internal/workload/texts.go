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
	ID   string // of the entry in testdata/texts
	Text string
}

// sentence is an entry of testdata/texts/texts.json.
type sentence struct {
	ID     string `json:"id"`
	Bucket int    `json:"bucket"`
	Text   string `json:"text"`
}

// Texts gives n texts of a token bucket (16, 64 or 256), shuffled and salted:
// some letters change case and some spaces double. A model that lower-cases
// and splits at white space sees the same tokens.
func Texts(testdata fs.FS, bucket int, salt uint64, n int) ([]Text, error) {
	list, err := readJSON[[]sentence](testdata, "texts/texts.json")
	if err != nil {
		return nil, err
	}
	var in []sentence
	for _, s := range list {
		if s.Bucket == bucket {
			in = append(in, s)
		}
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("no texts of about %d tokens\nuse a bucket of testdata/texts/texts.json: 16, 64 or 256", bucket)
	}
	order := salted(salt, -1).Perm(len(in))
	out := make([]Text, n)
	for i := range out {
		s := in[order[i%len(in)]]
		out[i] = Text{ID: s.ID, Text: vary(salted(salt, i), s.Text)}
	}
	return out, nil
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
