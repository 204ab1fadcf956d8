package compare

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// TestGPURows shows two stacks on a card, at one image a request and at 32: one
// whose driver tells all, one that tells no activity of the multiprocessors.
func TestGPURows(t *testing.T) {
	const units = units + "Unit gpu-mem-MB better=lower\nUnit J/answer better=lower\nUnit J/item better=lower\n"
	on := func(stack string, batch int, util, mb, joules, watts float64, cards results.Cards) results.Trial {
		tr := trial(name("ImageClassification", stack, "resnet50", "jpeg", batch, 8, 0), 1, 5, 6, 800)
		tr.Metrics["gpu-util"], tr.Metrics["gpu-mem-MB"] = util, mb
		tr.Metrics["J/answer"], tr.Metrics["J/item"] = joules, joules/float64(batch)
		idle := 71.4
		cards.Count, cards.Seconds, cards.Watts, cards.IdleWatts = 1, 3, &watts, &idle
		tr.GPU = &cards
		return tr
	}
	sm := 41.26
	env := quick()
	env.Device, env.GPUs = "gpu", []results.GPU{{Name: "NVIDIA H200", MemoryMB: 150_754}}
	r := runWith(t, units, env,
		on("fastapi-pytorch", 1, 61.2, 1890, 0.35, 289, results.Cards{SMPercent: &sm}),
		on("triton", 1, 74.1, 2710, 0.28, 301, results.Cards{Notes: []string{"GPU 0: SM activity: no permission"}}),
		on("fastapi-pytorch", 32, 91.2, 2890, 6.4, 410, results.Cards{SMPercent: &sm}),
		on("triton", 32, 97, 3710, 5.1, 444, results.Cards{Notes: []string{"GPU 0: SM activity: no permission"}}),
	)
	text, markdown := table(t, r)
	golden(t, "gpu.txt", text)
	golden(t, "gpu.md", markdown)
}

// A run without a GPU, and one that is withheld, show none of it.
func TestNoGPURows(t *testing.T) {
	tr := trial(name("ImageClassification", "embedded", "resnet50", "jpeg", 1, 8, 0), 1, 5, 6, 800)
	text, _ := table(t, run(t, quick(), tr))
	require.NotContains(t, text, "gpu-")
	watts := 300.0
	tr.GPU, tr.Metrics, tr.Raw = &results.Cards{Count: 1, Seconds: 3, Watts: &watts}, nil, nil
	text, _ = table(t, run(t, quick(), tr))
	require.NotContains(t, text, "gpu-W")
}

func TestEnergyIsComparedOnce(t *testing.T) {
	bench := func(lines ...unit.Name) *results.Bench {
		b := &results.Bench{Meta: map[unit.Name]results.UnitMeta{}, Samples: map[results.Series][]float64{}}
		for _, u := range lines {
			b.Meta[u] = results.UnitMeta{Better: -1}
			b.Samples[results.Series{Name: "X", Unit: u}] = []float64{1}
		}
		return b
	}
	both, old := bench("J/answer", "J/item"), bench("J/answer")
	require.False(t, chosen(Options{}, both, both, results.Series{Name: "X", Unit: "J/answer"}))
	require.True(t, chosen(Options{}, both, both, results.Series{Name: "X", Unit: "J/item"}))
	require.True(t, chosen(Options{}, old, old, results.Series{Name: "X", Unit: "J/answer"}), "runs from before there was J/item")
}
