package compare

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// TestOfOneTrialNoIntervalIsSaid: the gap of tokens, memory and energy are one
// value a trial, so that no difference of single trials makes one of them best.
func TestOfOneTrialNoIntervalIsSaid(t *testing.T) {
	one := func(stack string, of float64) results.Trial {
		n := name("TextGeneration", stack, "m", "text", 1, 4, 0)
		n = n.With(axis.Tokens, "chat")
		tr := trial(n, 1, 40*of, 60*of, 100)
		delete(tr.Metrics, "") // texts have no unit of their own there
		for _, u := range []unit.Name{unit.ITL, unit.GPUMemMB, unit.JPerAnswer} {
			tr.Metrics[u] = 10 * of
		}
		return tr
	}
	for _, u := range []unit.Name{unit.ITL, unit.GPUMemMB, unit.JPerAnswer} {
		require.False(t, spanOf(one("a", 1), results.Name{}.With(axis.Conc, "4"), u, 10).known(), u)
	}
	r := run(t, quick(), one("a", 1), one("b", 3))
	for _, u := range []unit.Name{unit.ITL, unit.GPUMemMB, unit.JPerAnswer} {
		r.Units[u] = results.UnitMeta{Better: -1, Threshold: 0.05}
	}
	text, _ := table(t, r)
	for _, u := range []unit.Name{unit.ITL, unit.GPUMemMB, unit.JPerAnswer} {
		require.Regexp(t, `(?m)`+string(u)+` +10(\.0)?  undecided +30(\.0)?  \(\+200%, undecided\)$`, text)
	}
	require.Regexp(t, `(?m)^No interval: of itl-ms, gpu-mem-MB, J/answer a trial keeps one value`, text)
	require.NotRegexp(t, `(?m)(itl-ms|gpu-mem-MB|J/answer) .*best`, text)
}
