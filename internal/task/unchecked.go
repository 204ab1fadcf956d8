package task

import (
	"errors"
	"slices"
	"strings"

	"stackbench/internal/quality"
)

// unchecked stands where nothing is known to hold answers against. It tells
// whether they are whole and finite, and its verdict is never OK.
type unchecked struct {
	why    string // nothing is known
	broken []string
}

func (u *unchecked) Add(id string, values []float32) {
	if !finite(values) {
		u.Broken(id, "values that are not finite")
	}
}

// AddTop has nothing to say: JSON holds no number that is not finite.
func (u *unchecked) AddTop(string, []quality.Ranked) {}

func (u *unchecked) Broken(id, why string) {
	if len(u.broken) < 3 {
		u.broken = append(u.broken, id+": "+why)
	}
}

func (u *unchecked) Verdict() quality.Verdict {
	return quality.Verdict{Rule: "not checked", Reasons: append(slices.Clone(u.broken), u.why)}
}

// Blind says that nothing is known to hold answers against.
func (u *unchecked) Blind() bool { return true }

// Fault is what was seen to be wrong all the same.
func (u *unchecked) Fault() error {
	if len(u.broken) == 0 {
		return nil
	}
	return errors.New("the answer is wrong: " + strings.Join(u.broken, "; "))
}

// Blind is a judge that may know nothing to hold answers against.
type Blind interface {
	Blind() bool
	Fault() error
}
