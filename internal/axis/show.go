package axis

import (
	"cmp"
	"strings"
)

// Label says values in a few words, one an axis: rows with their key (batch=8),
// unless they choose, and what else there is without it.
func (t Table) Label(v Values) []string {
	var out []string
	for _, one := range v.All() {
		a, _ := t.Find(one.Key)
		switch {
		case a.Kind == Choice:
			if !t.numbered(one.Text) {
				out = append(out, one.Text)
			}
		case a.Place == Row:
			out = append(out, string(one.Key)+"="+one.Text)
		case a.Noun != "":
			out = append(out, one.Text+" "+a.Noun)
		default:
			out = append(out, one.Text)
		}
	}
	return out
}

// numbered says that a choice has a number, which then says it all.
func (t Table) numbered(choice string) bool {
	for _, a := range t {
		if a.Under == choice {
			return true
		}
	}
	return false
}

// Compare sorts by the axes of a place: by numbers and choices first, then by
// words, each in the order of the table.
func (t Table) Compare(a, b Values, p Place) int {
	for _, words := range []bool{false, true} {
		for _, x := range t.At(p) {
			if (x.Kind == Word) != words {
				continue
			}
			if c := x.compare(a.Get(x.Key), b.Get(x.Key)); c != 0 {
				return c
			}
		}
	}
	return 0
}

func (a Axis) compare(x, y string) int {
	return cmp.Or(cmp.Compare(a.rank(x), a.rank(y)), natural(x, y), strings.Compare(x, y))
}

// natural sorts as a reader counts: 8x5ms before 16x5ms.
func natural(x, y string) int {
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n > 0 && m > 0 {
			if c := cmp.Or(cmp.Compare(n, m), strings.Compare(x[:n], y[:m])); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Compare(len(x), len(y))
}

// digits is how many a text begins with.
func digits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}
