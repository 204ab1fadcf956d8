package wer

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// numbers writes numbers that were spelt out in digits.
type numbers struct {
	vocabulary
	numeral, half                     *regexp.Regexp
	behindLetter, behindDigit, suffix *regexp.Regexp
	cents, below                      *regexp.Regexp
	one                               []wording
}

func newNumbers() *numbers {
	return &numbers{
		vocabulary:   newVocabulary(),
		numeral:      regexp.MustCompile(`^\p{Nd}+(\.\p{Nd}+)?$`),
		half:         regexp.MustCompile(`and` + space + `+a` + space + `+half`),
		behindLetter: regexp.MustCompile(`([a-z])([0-9])`),
		behindDigit:  regexp.MustCompile(`([0-9])([a-z])`),
		suffix:       regexp.MustCompile(`([0-9])` + space + `+(st|nd|rd|th|s)`),
		cents:        regexp.MustCompile(`([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})`),
		below:        regexp.MustCompile(`[€£$]0.([0-9]{1,2})`),
		one:          []wording{{"1s", "ones", false}, {"1", "one", false}},
	}
}

func (n *numbers) normalise(s string) string {
	s = n.halves(s)
	s = n.behindLetter.ReplaceAllString(s, "${1} ${2}")
	s = n.behindDigit.ReplaceAllString(s, "${1} ${2}")
	s = replaceEnding(n.suffix, s, func(g []string) string { return g[1] + g[2] })
	s = strings.Join(n.read(fields(s)), " ")
	s = replaceEnding(n.cents, s, func(g []string) string {
		return g[1] + g[2] + "." + strings.Repeat("0", 2-len(g[3])) + g[3]
	})
	s = replaceEnding(n.below, s, func(g []string) string {
		cents, _ := strconv.Atoi(g[1]) // one or two digits, by the expression
		return "¢" + strconv.Itoa(cents)
	})
	for _, w := range n.one {
		s = w.replace(s)
	}
	return s
}

// halves says "two point five" for "two and a half".
func (n *numbers) halves(s string) string {
	var parts []string
	segments := n.split(s)
	for i, segment := range segments {
		words := fields(segment)
		if len(words) == 0 {
			continue
		}
		parts = append(parts, segment)
		if i == len(segments)-1 {
			break
		}
		last := words[len(words)-1]
		if n.digit(last) || n.multipliers[last] != nil {
			parts = append(parts, "point five")
		} else {
			parts = append(parts, "and a half")
		}
	}
	return strings.Join(parts, " ")
}

// split cuts s at each "and a half" of whole words.
func (n *numbers) split(s string) []string {
	var segments []string
	done, pos := 0, 0
	for {
		m := n.half.FindStringIndex(s[pos:])
		if m == nil {
			return append(segments, s[done:])
		}
		start, end := pos+m[0], pos+m[1]
		pos = start + 1
		if boundary(s, start) && boundary(s, end) {
			segments = append(segments, s[done:start])
			done, pos = end, end
		}
	}
}

// numeric says whether a word is written in digits.
func (n *numbers) numeric(word string) bool { return n.numeral.MatchString(word) }

func (n *numbers) read(words []string) []string {
	r := reading{numbers: n}
	for i, w := range words {
		if r.skip {
			r.skip = false
			continue
		}
		var prev, next string // no word is empty
		if i > 0 {
			prev = words[i-1]
		}
		if i+1 < len(words) {
			next = words[i+1]
		}
		if r.value != nil && r.value.long() {
			r.flush()
		}
		r.word(prev, w, next)
	}
	r.flush()
	return r.out
}

// cutSign takes a currency off the front of a word.
func cutSign(word string) (sign, rest string) {
	r, n := utf8.DecodeRuneInString(word)
	if strings.ContainsRune("-+£€$¢", r) {
		return word[:n], word[n:]
	}
	return "", word
}
