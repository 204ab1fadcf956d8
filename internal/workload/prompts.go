package workload

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Prompt is one text to generate from.
type Prompt struct {
	ID     string // of the entry in testdata/prompts, or its number
	Text   string
	Words  int  // tokens of the text, special ones not counted
	Tokens int  // to generate
	Golden bool // it is committed: its answer is known
}

// Lengths says how long prompts and answers are, in tokens: "128x128" for all
// alike, or "chat" for a mix. It is the value of the name's tokens key.
type Lengths string

// Chat is a mix as conversations have it, both lengths lognormal and apart from
// each other: prompts of 96 tokens in the median (σ 0.7, at least 16, at most
// 512), answers of 48 (σ 0.6, at least 8, at most 128).
const Chat Lengths = "chat"

// Even is prompts and answers of one length each.
func Even(prompt, answer int) Lengths { return Lengths(fmt.Sprintf("%dx%d", prompt, answer)) }

// pair is the lengths of prompt and answer number i. They are the same in every
// trial, and so on every stack.
func (l Lengths) pair(i int) (prompt, answer int, err error) {
	if l == Chat {
		rng := salted(0xc4a7, i)
		return lognormal(rng, 96, 0.7, 16, 512), lognormal(rng, 48, 0.6, 8, 128), nil
	}
	p, a, ok := strings.Cut(string(l), "x")
	prompt, errP := strconv.Atoi(p)
	answer, errA := strconv.Atoi(a)
	if !ok || errP != nil || errA != nil || prompt < 1 || answer < 1 {
		return 0, 0, fmt.Errorf("lengths %q\nuse such as 128x128 for prompt and answer, or chat", string(l))
	}
	return prompt, answer, nil
}

func lognormal(rng *rand.Rand, median, sigma float64, least, most int) int {
	n := int(math.Round(median * math.Exp(sigma*rng.NormFloat64())))
	return min(max(n, least), most)
}

// lexicon is testdata/prompts/words.json: words that are one token each in the
// tokenizers of all models here, so that a prompt's words can be counted as its
// tokens without one.
type lexicon struct {
	Adjectives []string `json:"adjectives"`
	Nouns      []string `json:"nouns"`
	Verbs      []string `json:"verbs"`
	Adverbs    []string `json:"adverbs"`
	Links      []string `json:"links"`
	Joins      []string `json:"joins"`
}

// committedPrompt is an entry of testdata/prompts/prompts.json.
type committedPrompt struct {
	ID      string  `json:"id"`
	Lengths Lengths `json:"lengths"`
	Tokens  int     `json:"tokens"` // to generate
	Text    string  `json:"text"`
}

// Prompts makes prompts of some lengths.
type Prompts struct {
	lengths Lengths
	share   bool
	words   lexicon
	known   []Prompt
}

// NewPrompts makes prompts of those lengths: made sentences, no two alike, and
// now and then a committed one, whose answer is known. With share, the made ones
// begin with the same three quarters of their text.
func NewPrompts(testdata fs.FS, l Lengths, share bool) (*Prompts, error) {
	words, err := readLexicon(testdata)
	if err != nil {
		return nil, err
	}
	known, err := KnownPrompts(testdata, l)
	if err != nil {
		return nil, err
	}
	if _, _, err := l.pair(0); err != nil {
		return nil, err
	}
	return &Prompts{l, share, words, known}, nil
}

// Plain is prompt number i without its text.
func (p *Prompts) Plain(i int) Prompt {
	if before, ok := Committed(place(i)); ok && len(p.known) > 0 {
		known := p.known[before%len(p.known)]
		known.Text = ""
		return known
	}
	prompt, answer, _ := p.lengths.pair(place(i)) // read well before
	return Prompt{ID: fmt.Sprintf("made %d", i), Words: prompt, Tokens: answer}
}

// Prompt is prompt number i of a salt.
func (p *Prompts) Prompt(salt uint64, i int) Prompt {
	made := p.Plain(i)
	if made.Golden {
		before, _ := Committed(place(i))
		return p.known[before%len(p.known)]
	}
	alike := 0
	if p.share {
		alike = made.Words * 3 / 4
	}
	made.Text = (p.words.text(salted(salt, -2), alike) + p.words.text(salted(salt, i), made.Words-alike))[1:]
	return made
}

// KnownLengths lists the lengths of which there are committed prompts.
func KnownLengths() []Lengths { return []Lengths{Even(128, 128), Even(512, 128), Chat} }

// KnownPrompts gives the committed prompts of those lengths, whose answers are known.
func KnownPrompts(testdata fs.FS, l Lengths) ([]Prompt, error) {
	list, err := readJSON[[]committedPrompt](testdata, "prompts/prompts.json")
	if err != nil {
		return nil, err
	}
	var out []Prompt
	for _, c := range list {
		if c.Lengths == l {
			out = append(out, Prompt{ID: c.ID, Text: c.Text, Words: tokensOf(c.Text), Tokens: c.Tokens, Golden: true})
		}
	}
	return out, nil
}

// tokensOf counts the tokens of a text of words.json's words.
func tokensOf(text string) int {
	return len(strings.Fields(text)) + strings.Count(text, ".") + strings.Count(text, ",")
}

func readLexicon(testdata fs.FS) (lexicon, error) {
	words, err := readJSON[lexicon](testdata, "prompts/words.json")
	if err != nil {
		return lexicon{}, err
	}
	if err := words.check(); err != nil {
		return lexicon{}, fmt.Errorf("read inputs: testdata/prompts/words.json: %w", err)
	}
	return words, nil
}

func (w lexicon) check() error {
	for _, list := range [][]string{w.Adjectives, w.Nouns, w.Verbs, w.Adverbs, w.Links, w.Joins} {
		if len(list) == 0 {
			return errors.New("a list of words is empty")
		}
	}
	return nil
}

// text makes that many tokens of sentences, each with the space before it.
func (w lexicon) text(rng *rand.Rand, tokens int) string {
	var b strings.Builder
	for n := 0; n < tokens; {
		for _, t := range w.sentence(rng) {
			if n == tokens {
				break
			}
			b.WriteString(t)
			n++
		}
	}
	return b.String()
}

// sentence is its tokens.
func (w lexicon) sentence(rng *rand.Rand) []string {
	pick := func(from []string) string { return " " + from[rng.IntN(len(from))] }
	thing := func(article string) []string {
		if rng.IntN(2) == 0 {
			return []string{article, pick(w.Nouns)}
		}
		return []string{article, pick(w.Adjectives), pick(w.Nouns)}
	}
	clause := func(article string) []string {
		c := append(thing(article), pick(w.Verbs))
		c = append(c, thing(" the")...)
		if rng.IntN(2) == 0 {
			c = append(append(c, pick(w.Links)), thing(" the")...)
		}
		return c
	}
	s := clause(" The")
	switch rng.IntN(3) {
	case 0:
		s = append(append(s, ",", pick(w.Joins)), clause(" the")...)
	case 1:
		s = append(s, pick(w.Adverbs))
	}
	return append(s, ".")
}
