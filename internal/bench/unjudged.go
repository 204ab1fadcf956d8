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

func (u *unjudged) Broken(id, why string) {
	if len(u.broken) < 3 {
		u.broken = append(u.broken, id+": "+why)
	}
}

func (u *unjudged) Verdict() quality.Verdict {
	return quality.Verdict{Rule: "not checked", Reasons: append(slices.Clone(u.broken), u.why)}
}

// fault is what was seen to be wrong all the same.
func (u *unjudged) fault() error {
	if len(u.broken) == 0 {
		return nil
	}
	return errors.New("the answer is wrong: " + strings.Join(u.broken, "; "))
}
