package axis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads what Path writes. Unknown keys, keys in another order and repeated
// ones are errors, and so is whatever Check refuses.
func (t Table) Parse(path string) (Values, error) {
	var v Values
	for part := range strings.SplitSeq(path, "/") {
		key, text, ok := strings.Cut(part, "=")
		if !ok {
			return Values{}, fmt.Errorf("%q is not key=value", part)
		}
		a, ok := t.Find(Key(key))
		if !ok {
			return Values{}, fmt.Errorf("unknown key %q", key)
		}
		if a.Kind == Number && !a.has(text) {
			n, err := strconv.Atoi(text)
			if err != nil || n <= 0 {
				return Values{}, notPlain(a.Key, text)
			}
			text = strconv.Itoa(n)
		}
		v = t.With(v, a.Key, text)
	}
	if err := t.Check(v); err != nil {
		return Values{}, err
	}
	if its := v.Path(); its != path {
		return Values{}, fmt.Errorf("keys in another order than %s", its)
	}
	return v, nil
}

// Check says what keeps a name from being read back as it is: a value with other
// characters than [a-z0-9._-], or one that ends in a hyphen and digits, which
// every reader of the format takes for GOMAXPROCS.
func (t Table) Check(v Values) error {
	for _, a := range t {
		if err := t.checkChoice(a, v); err != nil {
			return err
		}
	}
	for _, a := range t {
		if a.Needed && v.Get(a.Key) == "" {
			return fmt.Errorf("no %s", a.Key)
		}
	}
	for _, one := range v.All() {
		a, ok := t.Find(one.Key)
		if !ok {
			return fmt.Errorf("unknown key %q", one.Key)
		}
		if err := a.check(one.Text); err != nil {
			return err
		}
	}
	return nil
}

func (a Axis) check(text string) error {
	switch {
	case a.Default != "" && text == a.Default:
		return fmt.Errorf("%s is said by no %s at all", text, a.Key)
	case a.Kind == Number && !a.has(text):
		if n, err := strconv.Atoi(text); err != nil || n <= 0 || strconv.Itoa(n) != text {
			return notPlain(a.Key, text)
		}
	case !written(text):
		return fmt.Errorf("%s=%q has characters outside a-z 0-9 . _ -", a.Key, text)
	case processors(text):
		return fmt.Errorf("%s=%s ends like a GOMAXPROCS suffix", a.Key, text)
	}
	return nil
}

func notPlain(k Key, text string) error {
	return fmt.Errorf("%s=%s is not a plain number above zero", k, text)
}

// checkChoice holds numbers to the choice that they belong to.
func (t Table) checkChoice(a Axis, v Values) error {
	if a.Kind != Choice {
		return nil
	}
	chosen := v.Get(a.Key)
	fits := a.has(chosen) || chosen == "" && !a.Needed
	for _, n := range t {
		if a.has(n.Under) {
			fits = fits && (v.Get(n.Key) != "") == (n.Under == chosen)
		}
	}
	if fits {
		return nil
	}
	var each []string
	for _, w := range a.Words {
		if i := slices.IndexFunc(t, func(n Axis) bool { return n.Under == w }); i >= 0 {
			w = string(t[i].Key)
		}
		each = append(each, w)
	}
	last := len(each) - 1
	return fmt.Errorf("%s: give exactly one of %s and %s", v.Path(), strings.Join(each[:last], ", "), each[last])
}

// written says that a text cannot hold the separators of a name.
func written(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}

// processors says that a text ends in a hyphen and digits.
func processors(text string) bool {
	rest := strings.TrimRight(text, "0123456789")
	return len(rest) < len(text) && strings.HasSuffix(rest, "-")
}
