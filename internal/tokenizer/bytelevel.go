package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// alphabet spells each byte as one printable character, as GPT-2's vocabulary
// does: the printable ones of Latin-1 stand for themselves, the others for
// U+0100 and what follows, in their order.
func alphabet() (of [256]string, back map[rune]byte) {
	back = make(map[rune]byte, 256)
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !('!' <= r && r <= '~' || 0xa1 <= r && r <= 0xac || 0xae <= r) {
			r = next
			next++
		}
		of[b] = string(r)
		back[r] = byte(b)
	}
	return of, back
}

// chunks cuts a text as GPT-2's regular expression does:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// It is scanned by hand, since regexp knows no lookahead, and a library that
// does backtracks, and would be a dependency for this one line.
func chunks(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			n := chunk(s)
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// chunk is the length of the first piece of s, which is not empty.
func chunk(s string) int {
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(s, c) {
			return len(c)
		}
	}
	blank := 0
	if s[0] == ' ' && len(s) > 1 {
		blank = 1
	}
	first, _ := utf8.DecodeRuneInString(s[blank:])
	if kind := classOf(first); kind != space {
		return blank + run(s[blank:], kind)
	}
	n := run(s, space)
	if n == len(s) {
		return n
	}
	// Something follows, and the last space is left for it: a blank begins the next
	// piece. A single space of another kind, such as a tab, is a piece of its own.
	_, last := utf8.DecodeLastRuneInString(s[:n])
	if n > last {
		return n - last
	}
	return n
}

// class is one of the four kinds of characters that the expression knows.
type class uint8

const (
	other class = iota
	letter
	number
	space
)

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// run is the length of the characters of one class that s begins with.
func run(s string, kind class) int {
	for i, r := range s {
		if classOf(r) != kind {
			return i
		}
	}
	return len(s)
}

// digits yields each number by itself, and what lies between them.
func digits(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i, r := range s {
			if !unicode.IsNumber(r) {
				continue
			}
			if start < i && !yield(s[start:i]) {
				return
			}
			start = i + utf8.RuneLen(r)
			if !yield(s[i:start]) {
				return
			}
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}
