package bench

import (
	"errors"
	"slices"
	"strings"

	"stackbench/internal/quality"
)

// unjudged stands where nothing is known to hold answers against. It tells
// whether they are whole and finite, and its verdict is never OK.
type unjudged struct {
	why    string // nothing is known
	broken []string
}

func (u *unjudged) Add(id string, values []float32) {
	if !finite(values) {
		u.Broken(id, "values that are not finite")
	}
}

// AddTop has nothing to say: JSON holds no number that is not finite.
func (u *unjudged) AddTop(string, []quality.Ranked) {}

func (u *unjudged) Broken(id, why string) {
	if len(u.broken) < 3 {
		u.broken = append(u.broken, id+": "+why)
	}
}

func (u *unjudged) Verdict() quality.Verdict {
	return quality.Verdict{Rule: "not checked", Reasons: append(slices.Clone(u.broken), u.why)}
}

// Blind says that nothing is known to hold answers against.
func (u *unjudged) Blind() bool { return true }

// Fault is what was seen to be wrong all the same.
func (u *unjudged) Fault() error {
	if len(u.broken) == 0 {
		return nil
	}
	return errors.New("the answer is wrong: " + strings.Join(u.broken, "; "))
}

// blind is a judge that may know nothing to hold answers against.
type blind interface {
	Blind() bool
	Fault() error
}
