package wer

import (
	"math/big"
	"strings"
)

// reading goes through words and puts numbers for those that spell them.
type reading struct {
	*numbers
	value  *quantity // the number that is being read, nil between numbers
	prefix string    // its sign or currency
	skip   bool      // the next word was read with this one
	out    []string
}

// put writes a word with the prefix that was waiting, and ends the number.
func (r *reading) put(word string) {
	r.out = append(r.out, r.prefix+word)
	r.value, r.prefix = nil, ""
}

// flush writes the number that was being read.
func (r *reading) flush() {
	if r.value != nil {
		r.put(r.value.String())
	}
}

func (r *reading) word(prev, word, next string) {
	sign, bare := cutSign(word)
	switch {
	case r.numeric(bare) && len(bare) <= maxDigits:
		r.numeralWord(sign, bare, word)
	case !r.has(word):
		r.flush()
		r.put(word)
	case r.zeros[word]:
		r.value = row(r.value.digits() + "0")
	case r.ones[word] != nil:
		r.value = r.onesBehind(prev, r.ones[word])
	case r.onesSuffixed[word].n != nil:
		s := r.onesSuffixed[word]
		r.put(r.onesBehind(prev, s.n).String() + s.suffix)
	case r.tens[word] != nil:
		r.value = r.tensBehind(r.tens[word])
	case r.tensSuffixed[word].n != nil:
		s := r.tensSuffixed[word]
		r.put(r.tensBehind(s.n).String() + s.suffix)
	case r.multipliers[word] != nil:
		r.multiply(r.multipliers[word])
	case r.multipliersSuffixed[word].n != nil:
		r.multiplySuffixed(r.multipliersSuffixed[word])
	default:
		r.affix(prev, word, next)
	}
}

// affix reads the words that go with numbers.
func (r *reading) affix(prev, word, next string) {
	switch {
	case r.signs[word] != "":
		r.flush()
		if r.has(next) || r.numeric(next) {
			r.prefix = r.signs[word]
		} else {
			r.put(word)
		}
	case r.currencies[word] != "":
		if r.value != nil {
			r.prefix = r.currencies[word]
			r.flush()
		} else {
			r.put(word)
		}
	case r.percent[word]:
		r.percentWord(word, next)
	default:
		r.specialWord(prev, word, next)
	}
}

// numeralWord reads a number that is written in digits.
func (r *reading) numeralWord(sign, bare, word string) {
	if r.value != nil {
		if r.value.whole == nil && strings.HasSuffix(r.value.row, ".") { // decimals, or the next part of an address
			r.value = row(r.value.row + word)
			return
		}
		r.flush()
	}
	if sign != "" {
		r.prefix = sign
	}
	r.value = row(bare)
	if f, ok := fraction(bare); ok && f.IsInt() {
		r.value = integer(new(big.Int).Set(f.Num()))
	}
}

// onesBehind is the number with one of one to nineteen behind it: "twenty three"
// is one number, and single digits in a row are its digits.
func (r *reading) onesBehind(prev string, n *big.Int) *quantity {
	step := int64(100)
	if n.Cmp(big.NewInt(10)) < 0 {
		step = 10
	}
	switch {
	case r.value == nil:
		return integer(n)
	case r.value.whole == nil && r.tens[prev] != nil && step == 10: // the last zero makes room
		return row(strings.TrimSuffix(r.value.row, "0") + n.String())
	case r.value.whole == nil || r.ones[prev] != nil:
		return row(r.value.String() + n.String())
	}
	return r.value.plus(n, step)
}

func (r *reading) tensBehind(n *big.Int) *quantity {
	if r.value == nil {
		return integer(n)
	}
	return r.value.plus(n, 100)
}

func (r *reading) multiply(n *big.Int) {
	switch {
	case r.value == nil:
		r.value = integer(n)
		return
	case r.value.whole == nil:
		product := r.value.times(n)
		if product == nil { // "point" or an address: no number to multiply
			r.flush()
			product = integer(n)
		}
		r.value = product
		return
	}
	r.value = r.value.times(n)
}

func (r *reading) multiplySuffixed(s suffixed) {
	if r.value == nil {
		r.put(s.n.String() + s.suffix)
		return
	}
	if product := r.value.times(s.n); product != nil {
		r.put(product.String() + s.suffix)
		return
	}
	r.flush()
	r.put(s.n.String() + s.suffix)
}

func (r *reading) percentWord(word, next string) {
	switch {
	case r.value == nil:
		r.put(word)
	case word == "percent":
		r.put(r.value.String() + "%")
	case next == "cent":
		r.put(r.value.String() + "%")
		r.skip = true
	default:
		r.flush()
		r.put(word)
	}
}

// specialWord reads words that belong to a number only between its parts.
func (r *reading) specialWord(prev, word, next string) {
	switch {
	case !r.has(next) && !r.numeric(next):
		r.flush()
		r.put(word)
	case word == "and":
		if r.multipliers[prev] == nil {
			r.flush()
			r.put(word)
		}
	case word == "point":
		if r.digit(next) || r.numeric(next) {
			r.value = row(r.value.digits() + ".")
		}
	case r.ones[next] != nil || r.zeros[next]: // double, triple
		times := 2
		if word == "triple" {
			times = 3
		}
		digits := "0"
		if n := r.ones[next]; n != nil {
			digits = n.String()
		}
		r.value = row(r.value.digits() + strings.Repeat(digits, times))
		r.skip = true
	default:
		r.flush()
		r.put(word)
	}
}
