package wer

import (
	"math/big"
	"strings"
)

// suffixed is a number word with an ending: "third" is 3 and "rd".
type suffixed struct {
	n      *big.Int
	suffix string
}

// vocabulary are the words that say numbers. Where Whisper's rules misspell one
// ("nineth"), so does it.
type vocabulary struct {
	zeros                                           map[string]bool
	ones, tens, multipliers                         map[string]*big.Int
	onesSuffixed, tensSuffixed, multipliersSuffixed map[string]suffixed
	signs, currencies                               map[string]string // before a number, and behind it
	percent                                         map[string]bool
	special                                         map[string]bool
}

func newVocabulary() vocabulary {
	v := vocabulary{
		zeros: set("o", "oh", "zero"), ones: map[string]*big.Int{}, tens: map[string]*big.Int{}, multipliers: map[string]*big.Int{},
		onesSuffixed: map[string]suffixed{}, tensSuffixed: map[string]suffixed{}, multipliersSuffixed: map[string]suffixed{},
		signs:      map[string]string{"minus": "-", "negative": "-", "plus": "+", "positive": "+"},
		currencies: map[string]string{"pound": "£", "pounds": "£", "euro": "€", "euros": "€", "dollar": "$", "dollars": "$", "cent": "¢", "cents": "¢"},
		percent:    set("per", "percent"),
		special:    set("and", "double", "triple", "point"),
	}
	v.addOnes()
	for i, name := range strings.Fields("twenty thirty forty fifty sixty seventy eighty ninety") {
		n := big.NewInt(int64(20 + 10*i))
		v.tens[name] = n
		v.tensSuffixed[strings.ReplaceAll(name, "y", "ies")] = suffixed{n, "s"}
		v.tensSuffixed[strings.ReplaceAll(name, "y", "ieth")] = suffixed{n, "th"}
	}
	thousand := big.NewInt(1000)
	v.addMultiplier("hundred", big.NewInt(100))
	n := big.NewInt(1)
	for _, name := range strings.Fields("thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion") {
		n = new(big.Int).Mul(n, thousand)
		v.addMultiplier(name, n)
	}
	return v
}

func (v *vocabulary) addOnes() {
	names := strings.Fields("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	for i, name := range names {
		n := big.NewInt(int64(i + 1))
		v.ones[name] = n
		plural := name + "s"
		if name == "six" {
			plural = "sixes"
		}
		v.onesSuffixed[plural] = suffixed{n, "s"}
		ordinal := name + "th"
		if strings.HasSuffix(name, "t") {
			ordinal = name + "h"
		}
		if i+1 > 3 && i+1 != 5 && i+1 != 12 {
			v.onesSuffixed[ordinal] = suffixed{n, "th"}
		}
	}
	for word, s := range map[string]suffixed{
		"zeroth": {big.NewInt(0), "th"}, "first": {big.NewInt(1), "st"}, "second": {big.NewInt(2), "nd"},
		"third": {big.NewInt(3), "rd"}, "fifth": {big.NewInt(5), "th"}, "twelfth": {big.NewInt(12), "th"},
	} {
		v.onesSuffixed[word] = s
	}
}

func (v *vocabulary) addMultiplier(name string, n *big.Int) {
	v.multipliers[name] = n
	v.multipliersSuffixed[name+"s"] = suffixed{n, "s"}
	v.multipliersSuffixed[name+"th"] = suffixed{n, "th"}
}

// digit says whether a word may stand behind a point.
func (v *vocabulary) digit(word string) bool {
	return v.zeros[word] || v.ones[word] != nil || v.tens[word] != nil
}

// has says whether a word may be a part of a number.
func (v *vocabulary) has(word string) bool {
	_, ones := v.onesSuffixed[word]
	_, tens := v.tensSuffixed[word]
	_, multipliers := v.multipliersSuffixed[word]
	return v.digit(word) || v.multipliers[word] != nil || ones || tens || multipliers ||
		v.signs[word] != "" || v.currencies[word] != "" || v.percent[word] || v.special[word]
}

func set(words ...string) map[string]bool {
	in := map[string]bool{}
	for _, w := range words {
		in[w] = true
	}
	return in
}
