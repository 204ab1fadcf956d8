package wer

import (
	"math/big"
	"strings"
	"unicode"
)

// maxDigits is where Python, whose rules these are, gives up on a number. Here
// such a one is put out as it stands, and the next begins.
const maxDigits = 4300

// quantity is a number while its words are read: a whole one that can still
// grow by addition, or a row of characters that grows at its end.
type quantity struct {
	whole *big.Int // nil for a row
	row   string
}

func integer(n *big.Int) *quantity { return &quantity{whole: n} }

func row(s string) *quantity { return &quantity{row: s} }

func (q *quantity) String() string {
	if q.whole != nil {
		return q.whole.String()
	}
	return q.row
}

// digits is what the number is as the beginning of a row: nothing when there is
// none, or it is naught.
func (q *quantity) digits() string {
	if q == nil || q.whole != nil && q.whole.Sign() == 0 {
		return ""
	}
	return q.String()
}

func (q *quantity) long() bool {
	return len(q.row) > maxDigits || q.whole != nil && q.whole.BitLen() > maxDigits*10/3
}

// ends says whether a whole number ends in the zeros of step, 10 or 100.
func (q *quantity) ends(step int64) bool {
	return new(big.Int).Rem(q.whole, big.NewInt(step)).Sign() == 0
}

// plus adds to a whole number that ends in zeros, or else puts the digits behind it.
func (q *quantity) plus(n *big.Int, step int64) *quantity {
	if q.whole != nil && q.ends(step) {
		return integer(new(big.Int).Add(q.whole, n))
	}
	return row(q.String() + n.String())
}

// times multiplies: all of a row, and nothing when it is no number or the
// outcome is not whole; of a whole number what is below a thousand.
func (q *quantity) times(n *big.Int) *quantity {
	if q.whole == nil {
		return q.timesRow(n)
	}
	thousand := big.NewInt(1000)
	before, rest := new(big.Int).QuoRem(q.whole, thousand, new(big.Int))
	before.Mul(before, thousand)
	return integer(before.Add(before, rest.Mul(rest, n)))
}

func (q *quantity) timesRow(n *big.Int) *quantity {
	f, ok := fraction(q.row)
	if !ok {
		return nil
	}
	f.Mul(f, new(big.Rat).SetInt(n))
	if !f.IsInt() {
		return nil
	}
	return integer(new(big.Int).Set(f.Num()))
}

// fraction reads digits with at most one point among them.
func fraction(s string) (*big.Rat, bool) {
	whole, part, _ := strings.Cut(s, ".")
	front, ok := ascii(whole)
	back, also := ascii(part)
	if !ok || !also || len(front)+len(back) == 0 || len(front)+len(back) > maxDigits {
		return nil, false
	}
	n, ok := new(big.Int).SetString(front+back, 10)
	if !ok {
		return nil, false
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(back))), nil)
	return new(big.Rat).SetFrac(n, scale), true
}

// ascii spells the digits of any script in ASCII; not ok where s has something else.
func ascii(s string) (string, bool) {
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsDigit(r) {
			return "", false
		}
		b.WriteByte('0' + byte(value(r)))
	}
	return b.String(), true
}

// value is a digit's: those of a script stand in a row of ten, and rows of
// several scripts may follow each other.
func value(digit rune) int {
	for _, r := range unicode.Nd.R16 {
		if rune(r.Lo) <= digit && digit <= rune(r.Hi) {
			return int(digit-rune(r.Lo)) % 10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if rune(r.Lo) <= digit && digit <= rune(r.Hi) {
			return int(digit-rune(r.Lo)) % 10
		}
	}
	return 0
}
