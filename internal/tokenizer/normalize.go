package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer is BertNormalizer, its steps in its order.
type normalizer struct {
	clean   bool // drop control characters, make every white space a blank
	chinese bool // put blanks round CJK ideographs, which are words of their own
	accents bool // drop non-spacing marks
	lower   bool
}

func (n normalizer) apply(s string) string {
	if isASCII(s) {
		return n.ascii(s)
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/2)
	for _, r := range s {
		switch {
		case n.clean && isControl(r):
		case n.clean && unicode.IsSpace(r):
			b.WriteByte(' ')
		case n.chinese && unicode.Is(ideographs, r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	s = b.String()
	if n.accents {
		s = norm.NFD.String(s)
	}
	return strings.Map(func(r rune) rune {
		if n.accents && unicode.Is(unicode.Mn, r) {
			return -1
		}
		if n.lower {
			return unicode.ToLower(r)
		}
		return r
	}, s)
}

// ascii is apply for text that has neither accents nor ideographs: most of it.
func (n normalizer) ascii(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		switch {
		case n.clean && (c == '\t' || c == '\n' || c == '\r'):
			c = ' '
		case n.clean && (c < ' ' || c == 0x7f):
			continue
		case n.lower && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isControl leaves tab, newline and return, which are white space to BERT; all
// other control characters go, also those that Unicode calls white space.
func isControl(r rune) bool {
	if r == '\t' || r == '\n' || r == '\r' {
		return false
	}
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

// ideographs are the CJK blocks as BERT counts them.
var ideographs = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, {Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1}},
	R32: []unicode.Range32{
		{Lo: 0x20000, Hi: 0x2a6df, Stride: 1}, {Lo: 0x2a700, Hi: 0x2b73f, Stride: 1}, {Lo: 0x2b740, Hi: 0x2b81f, Stride: 1},
		{Lo: 0x2b920, Hi: 0x2ceaf, Stride: 1}, {Lo: 0x2f800, Hi: 0x2fa1f, Stride: 1},
	},
}

// words is BertPreTokenizer: it splits at white space, which is dropped, and
// round each punctuation mark, which is a word.
func words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i, r := range s {
			space, punct := unicode.IsSpace(r), isPunct(r)
			if !space && !punct {
				continue
			}
			if start < i && !yield(s[start:i]) {
				return
			}
			start = i + utf8.RuneLen(r)
			if punct && !yield(s[i:start]) {
				return
			}
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}

// isPunct counts every ASCII mark as punctuation, also those that Unicode calls symbols.
func isPunct(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.IsPunct(r)
}

// addedToken is a piece of text that is one token wherever it stands.
type addedToken struct {
	text        string
	id          int64
	left, right bool // swallows the white space before, after it
}

// split cuts s at the added tokens, the leftmost and then the longest first.
// It yields stretches of text with id −1 and tokens with their id.
func split(s string, added []addedToken) iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for s != "" {
			at, tok := next(s, added)
			if at < 0 {
				yield(s, -1)
				return
			}
			head, rest := s[:at], s[at+len(tok.text):]
			if tok.left {
				head = strings.TrimRightFunc(head, unicode.IsSpace)
			}
			if tok.right {
				rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
			}
			if head != "" && !yield(head, -1) || !yield(tok.text, tok.id) {
				return
			}
			s = rest
		}
	}
}

// next finds the first added token in s; at is −1 when there is none.
func next(s string, added []addedToken) (at int, tok addedToken) {
	at = -1
	for _, a := range added {
		i := strings.Index(s, a.text)
		if i >= 0 && (at < 0 || i < at || i == at && len(a.text) > len(tok.text)) {
			at, tok = i, a
		}
	}
	return at, tok
}
