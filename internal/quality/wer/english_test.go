package wer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

type englishTable struct {
	Normaliser string
	Cases      []struct{ In, Out, Again string }
}

func readTable[T any](t testing.TB, name string) T {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var table T
	require.NoError(t, json.Unmarshal(data, &table))
	return table
}

func TestEnglishIsWhispersNormaliser(t *testing.T) {
	table := readTable[englishTable](t, "english.json")
	require.Equal(t, table.Normaliser, Version)
	require.Greater(t, len(table.Cases), 600)
	e := NewEnglish()
	stable := 0
	for _, c := range table.Cases {
		require.Equal(t, c.Out, e.Normalise(c.In), "%q", c.In)
		require.Equal(t, c.Again, e.Normalise(c.Out), "again, of %q", c.In)
		if c.Out == c.Again {
			stable++
		}
	}
	require.Greater(t, stable, len(table.Cases)/2, "the table has both kinds")
	require.Less(t, stable, len(table.Cases))
}

func TestEnglishByHand(t *testing.T) {
	e := NewEnglish()
	for in, want := range map[string]string{
		"":                                     "",
		"Mr. Gray's colour cost $20 million.":  "mister gray is color cost $20000000",
		"twenty-one and a half":                "21.5",
		"two and a half million dollars":       "$2500000",
		"He can't; she won't [noise] (laughs)": "he can not she will not",
		"one":                                  "one",
		"five dollars and seven cents":         "$5.07",
		"Ten per cent":                         "10%",
		"a\xffb":                               "a b",
	} {
		require.Equal(t, want, e.Normalise(in), "%q", in)
	}
	require.Equal(t, []string{"he", "can", "not"}, e.Words(" He  can't. "))
	require.Empty(t, e.Words("Uh, [silence]"))
}

func TestSpellingsAreWhole(t *testing.T) {
	e := NewEnglish()
	require.Len(t, e.spelling, 1738)
	for british, american := range e.spelling {
		require.NotEqual(t, british, american)
	}
	require.Equal(t, "color", e.spelling["colour"])
}

// A server that says numbers without end costs seconds, not hours.
func TestEndlessNumbersEnd(t *testing.T) {
	e := NewEnglish()
	for name, s := range map[string]string{
		"a numeral":             strings.Repeat("7", MaxText),
		"digits in words":       strings.Repeat("one ", MaxText/4),
		"naughts and decillion": strings.Repeat("o decillion ", MaxText/12),
		"points":                strings.Repeat("point five ", MaxText/11),
		"triples":               strings.Repeat("triple nine ", MaxText/12),
	} {
		got := e.Normalise(s)
		require.Less(t, len(got), 5*MaxText, name)
		if name != "a numeral" { // longer than Python reads: left as it is
			for _, word := range strings.Fields(got) {
				require.Less(t, len(word), maxDigits+40, name)
			}
		}
	}
}

func FuzzNormalise(f *testing.F) {
	table := readTable[englishTable](f, "english.json")
	for i := 0; i < len(table.Cases); i += 7 {
		f.Add(table.Cases[i].In)
	}
	f.Add("\xff\xfe 1\x00")
	e := NewEnglish()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > MaxText {
			return
		}
		once := e.Normalise(text)
		require.True(t, utf8.ValidString(once))
		require.NotContains(t, once, "  ")
		for _, r := range once {
			symbol := unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.IsMark(r)
			require.True(t, !symbol || strings.ContainsRune(kept+"+-", r), "%q left of %q", r, text)
		}
		if settled(e, once) {
			require.Equal(t, once, e.Normalise(once), "again, of %q", text)
		}
	})
}

// settled says of a text in which no rule has work left that it is its own
// normal form: whole words of small letters, none of which any table knows.
func settled(e *English, text string) bool {
	for _, w := range strings.Split(text, " ") {
		if w == "" || e.numbers.has(w) || e.spelling[w] != "" || hesitation(w, 0) > 0 {
			return false
		}
		for _, c := range e.words {
			if c.replace(w) != w {
				return false
			}
		}
		for _, r := range w {
			if r < 'a' || r > 'z' {
				return false
			}
		}
	}
	return true
}
