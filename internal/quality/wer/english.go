package wer

import (
	_ "embed"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// Version names the rules that texts are normalised by: rates by other rules
// are not comparable. The rules are the English ones of that package, which are
// OpenAI's of the Whisper paper, its slips included.
const Version = "whisper-normalizer-0.1.15-english"

// spellings has a British and an American spelling on each line.
//
//go:embed spelling.txt
var spellings string

// kept are the symbols that a number may carry.
const kept = ".%$¢€£"

// English brings a text into a form in which two that say the same are alike:
// "Mr. Gray's colour cost $20 million" is "mister gray is color cost $20000000".
type English struct {
	numbers  *numbers
	spelling map[string]string
	words    []wording

	brackets, parentheses, apostrophe, comma, period *regexp.Regexp
	sign, percent, spaces                            *regexp.Regexp
}

// NewEnglish compiles the rules.
func NewEnglish() *English {
	e := &English{
		numbers:     newNumbers(),
		spelling:    map[string]string{},
		words:       wordings(),
		brackets:    regexp.MustCompile(`[<\[][^>\]]*[>\]]`),
		parentheses: regexp.MustCompile(`\(([^)]+?)\)`),
		apostrophe:  regexp.MustCompile(space + `+'`),
		comma:       regexp.MustCompile(`(\p{Nd}),(\p{Nd})`),
		period:      regexp.MustCompile(`\.([^0-9]|$)`),
		sign:        regexp.MustCompile(`[.$¢€£]([^0-9])`),
		percent:     regexp.MustCompile(`([^0-9])%`),
		spaces:      regexp.MustCompile(space + `+`),
	}
	pairs := strings.Fields(spellings)
	for i := 0; i+1 < len(pairs); i += 2 {
		e.spelling[pairs[i]] = pairs[i+1]
	}
	return e
}

// Normalise gives the text's normal form. Bytes that are not UTF-8 count as
// symbols.
func (e *English) Normalise(text string) string {
	s := cases.Lower(language.Und).String(strings.ToValidUTF8(text, "\uFFFD"))
	s = e.brackets.ReplaceAllString(s, "")
	s = e.parentheses.ReplaceAllString(s, "")
	s = removeHesitations(s)
	s = e.apostrophe.ReplaceAllString(s, "'")
	for _, w := range e.words {
		s = w.replace(s)
	}
	s = e.comma.ReplaceAllString(s, "${1}${2}")
	s = e.period.ReplaceAllString(s, " ${1}")
	s = plain(s)
	s = e.numbers.normalise(s)
	s = e.american(s)
	s = e.sign.ReplaceAllString(s, " ${1}")
	s = e.percent.ReplaceAllString(s, "${1} ")
	return e.spaces.ReplaceAllString(s, " ")
}

// Words are those of the text's normal form.
func (e *English) Words(text string) []string { return strings.Fields(e.Normalise(text)) }

func (e *English) american(s string) string {
	words := fields(s)
	for i, w := range words {
		if to, ok := e.spelling[w]; ok {
			words[i] = to
		}
	}
	return strings.Join(words, " ")
}

// plain takes the accents off letters, and puts a space for every symbol that
// no number carries.
func plain(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		to, letter := unaccented(r)
		switch {
		case strings.ContainsRune(kept, r):
			b.WriteRune(r)
		case letter:
			b.WriteString(to)
		case unicode.Is(unicode.Mn, r):
		case unicode.IsMark(r), unicode.IsSymbol(r), unicode.IsPunct(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unaccented spells a letter that Unicode does not take apart.
func unaccented(r rune) (string, bool) {
	switch r {
	case 'œ':
		return "oe", true
	case 'Œ':
		return "OE", true
	case 'ø':
		return "o", true
	case 'Ø':
		return "O", true
	case 'æ':
		return "ae", true
	case 'Æ':
		return "AE", true
	case 'ß':
		return "ss", true
	case 'ẞ':
		return "SS", true
	case 'đ', 'ð':
		return "d", true
	case 'Đ', 'Ð':
		return "D", true
	case 'þ', 'Þ':
		return "th", true
	case 'ł':
		return "l", true
	case 'Ł':
		return "L", true
	}
	return "", false
}
