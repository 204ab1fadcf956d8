package axis

import (
	"slices"
	"strconv"
	"strings"
)

// Most is how many axes a name can have.
const Most = 16

// Values are the axes that a name sets, in the order of their table, and
// nothing behind them: two of the same are equal by ==.
type Values [Most]Value

// Value is one axis with what it is set to.
type Value struct {
	Key  Key
	Text string
}

// All are those that are set.
func (v Values) All() []Value {
	n := slices.IndexFunc(v[:], func(one Value) bool { return one.Key == "" })
	if n < 0 {
		n = Most
	}
	return v[:n]
}

// Get is what an axis is set to; "" where it is not.
func (v Values) Get(k Key) string {
	for _, one := range v {
		if one.Key == k {
			return one.Text
		}
	}
	return ""
}

// Number is what a number is set to; 0 where it is not, or not to a number.
func (v Values) Number(k Key) int {
	n, err := strconv.Atoi(v.Get(k))
	if err != nil {
		return 0
	}
	return n
}

// Path is a name below its group: stack=triton/model=resnet50/….
func (v Values) Path() string {
	var b strings.Builder
	b.Grow(128)
	for _, one := range v.All() {
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.WriteString(string(one.Key) + "=" + one.Text)
	}
	return b.String()
}

// Count writes a number for With; "" for zero.
func Count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// With sets an axis, or with "" leaves it out. A number that belongs to a choice
// makes that choice as well.
func (t Table) With(v Values, k Key, text string) Values {
	v = t.set(v, k, text)
	if a, _ := t.Find(k); a.Under != "" && text != "" {
		if c, ok := t.choice(a.Under); ok {
			v = t.set(v, c.Key, a.Under)
		}
	}
	return v
}

func (t Table) set(v Values, k Key, text string) Values {
	set := v.All()
	at := slices.IndexFunc(set, func(one Value) bool { return t.index(one.Key) >= t.index(k) })
	switch {
	case at < 0:
		at = len(set)
	case set[at].Key == k:
		copy(v[at:], v[at+1:])
		v[Most-1] = Value{}
	}
	if text != "" && at < Most {
		copy(v[at+1:], v[at:])
		v[at] = Value{k, text}
	}
	return v
}

// choice is the axis that has the word among its choices.
func (t Table) choice(word string) (Axis, bool) {
	for _, a := range t {
		if a.Kind == Choice && a.has(word) {
			return a, true
		}
	}
	return Axis{}, false
}

func (a Axis) has(word string) bool { return a.rank(word) < 0 }

// rank orders the axis's words before all other values.
func (a Axis) rank(text string) int {
	for i, w := range a.Words {
		if w == text {
			return i - len(a.Words)
		}
	}
	return 0
}

// Only leaves the axes of a place.
func (t Table) Only(v Values, p Place) Values {
	var out Values
	n := 0
	for _, one := range v.All() {
		if a, ok := t.Find(one.Key); ok && a.Place == p {
			out[n] = one
			n++
		}
	}
	return out
}
