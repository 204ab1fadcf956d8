package wer

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// space is what Python, whose rules these are, takes for one; Go's \s knows
// ASCII alone.
const space = `[\t-\r\x{1c}-\x{20}\x{85}\p{Z}]`

func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func fields(s string) []string { return strings.FieldsFunc(s, isSpace) }

// isWord says whether a boundary of words lies between r and a space.
func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// boundary says whether a word begins or ends at byte i of s.
func boundary(s string, i int) bool {
	before, n := utf8.DecodeLastRuneInString(s[:i])
	after, m := utf8.DecodeRuneInString(s[i:])
	return (n > 0 && isWord(before)) != (m > 0 && isWord(after))
}

// wording puts one wording for another, where a word ends behind it.
type wording struct {
	from, to string
	within   bool // it may begin within a word
}

func (w wording) replace(s string) string {
	at := strings.Index(s, w.from)
	if at < 0 {
		return s
	}
	var b strings.Builder
	done := 0 // bytes of s that were written
	for {
		end := at + len(w.from)
		next := at + 1
		if (w.within || boundary(s, at)) && boundary(s, end) {
			b.WriteString(s[done:at])
			b.WriteString(w.to)
			done, next = end, end
		}
		more := strings.Index(s[next:], w.from)
		if more < 0 {
			break
		}
		at = next + more
	}
	b.WriteString(s[done:])
	return b.String()
}

// removeHesitations removes them in one pass: what is left of a word on both
// sides of one is not looked at again.
func removeHesitations(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := hesitation(s, i); n > 0 {
			i += n
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n])
		i += n
	}
	return b.String()
}

// hesitation is the length of the one at byte i of s.
func hesitation(s string, i int) int {
	if !boundary(s, i) {
		return 0
	}
	for _, h := range []string{"hmm", "mm", "mhm", "mmm", "uh", "um"} {
		if strings.HasPrefix(s[i:], h) && boundary(s, i+len(h)) {
			return len(h)
		}
	}
	return 0
}

// replaceEnding replaces matches of re behind which a word ends. make is given
// the match's groups.
func replaceEnding(re *regexp.Regexp, s string, make func(groups []string) string) string {
	var b strings.Builder
	for pos := 0; ; {
		m := re.FindStringSubmatchIndex(s[pos:])
		if m == nil {
			b.WriteString(s[pos:])
			return b.String()
		}
		start, end := pos+m[0], pos+m[1]
		if !boundary(s, end) {
			_, n := utf8.DecodeRuneInString(s[start:])
			b.WriteString(s[pos : start+n])
			pos = start + n
			continue
		}
		groups := []string{}
		for g := 0; g < len(m); g += 2 {
			groups = append(groups, s[pos+m[g]:pos+m[g+1]])
		}
		b.WriteString(s[pos:start])
		b.WriteString(make(groups))
		pos = end
	}
}

// wordings are contractions and titles with what they stand for, in the order
// in which they are replaced: one's outcome may be another's beginning.
func wordings() []wording {
	return []wording{
		{"won't", "will not", false},
		{"can't", "can not", false},
		{"let's", "let us", false},
		{"ain't", "aint", false},
		{"y'all", "you all", false},
		{"wanna", "want to", false},
		{"kinda", "kind of", false},
		{"sorta", "sort of", false},
		{"dunno", "do not know", false},
		{"gotta", "got to", false},
		{"gonna", "going to", false},
		{"i'ma", "i am going to", false},
		{"imma", "i am going to", false},
		{"woulda", "would have", false},
		{"coulda", "could have", false},
		{"shoulda", "should have", false},
		{"cause", "because", false},
		{"ma'am", "madam", false},
		{"mr", "mister ", false},
		{"mrs", "missus ", false},
		{"st", "saint ", false},
		{"dr", "doctor ", false},
		{"prof", "professor ", false},
		{"capt", "captain ", false},
		{"gov", "governor ", false},
		{"ald", "alderman ", false},
		{"gen", "general ", false},
		{"sen", "senator ", false},
		{"rep", "representative ", false},
		{"pres", "president ", false},
		{"rev", "reverend ", false},
		{"hon", "honorable ", false},
		{"asst", "assistant ", false},
		{"assoc", "associate ", false},
		{"lt", "lieutenant ", false},
		{"col", "colonel ", false},
		{"jr", "junior ", false},
		{"sr", "senior ", false},
		{"esq", "esquire ", false},
		{"'d been", " had been", true},
		{"'s been", " has been", true},
		{"'d gone", " had gone", true},
		{"'s gone", " has gone", true},
		{"'d done", " had done", true},
		{"'s got", " has got", true},
		{"n't", " not", true},
		{"'re", " are", true},
		{"'s", " is", true},
		{"'d", " would", true},
		{"'ll", " will", true},
		{"'t", " not", true},
		{"'ve", " have", true},
		{"'m", " am", true},
	}
}
