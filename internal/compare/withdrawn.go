package compare

import (
	"slices"

	"stackbench/internal/axis"
	"stackbench/internal/results"
)

// withdrawal is of figures that a harness got wrong: runs keep what was measured,
// and what is read from them leaves these out and says why.
type withdrawal struct {
	versions []string // of the harness
	stack    string
	texts    bool // of generated text alone
	stages   []string
	why      string
}

func withdrawals() []withdrawal {
	return []withdrawal{{
		versions: []string{"0.1", "0.2"}, stack: "embedded", texts: true, stages: []string{"network", "compute"},
		why: "embedded counted compute by the step of its decoder, not by the answer, and what it lacked passed for network; mended in harness 0.3",
	}}
}

// withdrawn is why a part of a leaf's time is not shown; "" where it is.
func withdrawn(e results.Env, n results.Name, stage string) string {
	for _, w := range withdrawals() {
		if slices.Contains(w.versions, e.Harness.Version) && w.stack == n.Get(axis.Stack) && (!w.texts || n.Get(axis.Tokens) != "") && slices.Contains(w.stages, stage) {
			return w.why
		}
	}
	return ""
}
