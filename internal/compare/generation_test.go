package compare

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

const textsUnits = "Unit ttft-ms better=lower\nUnit itl-ms better=lower\nUnit tok/s better=higher\nUnit users better=higher\nUnit goodput-rps better=higher\n"

// texts is a trial of generated text; conc 0 is a search for users.
func texts(stack string, conc int, ttft, itl, rate float64) results.Trial {
	n := results.Name{Group: "TextGeneration"}.
		With(axis.Stack, stack).With(axis.Model, "gpt2").With(axis.Proto, "sse").With(axis.Input, "text").
		With(axis.Tokens, "128x128").With(axis.Batch, "1").With(axis.Conc, axis.Count(conc))
	if conc == 0 {
		n = n.With(axis.Load, axis.Users)
	}
	t := trial(n, 1, 100*itl, 101*itl, rate)
	t.Metrics = map[unit.Name]float64{"tok/s": rate, "mem-MB": 900}
	if conc > 0 {
		t.Metrics["ttft-ms"], t.Metrics["itl-ms"], t.Metrics["p50-ms"] = ttft, itl, 128*itl
	}
	return t
}

func TestGeneratedText(t *testing.T) {
	vllm := texts("vllm", 16, 1914, 49, 252)
	vllm.Views = []results.View{{What: "ttft-mean-ms", Server: 1801, Client: 1813}, {What: "itl-mean-ms", Server: 49.5, Client: 49.8}, {What: "tok/s", Server: 259, Client: 252}}
	vllm.Stages = map[string]float64{"queue": 0.03, "compute": 7964}
	most := texts("vllm", 0, 0, 0, 210)
	most.Metrics["users"], most.Metrics["goodput-rps"] = 11, 3.2
	most.Knee = &results.Knee{TTFTMS: 1000, ITLMS: 100, Probes: []results.Probe{
		{Users: 4, Within: 1, Requests: 60, Holds: true},
		{Users: 16, Within: 0.25, Requests: 60, Why: "25 % of the answers came within the limits, under 95 %"},
		{Users: 8, Within: 0.98, Requests: 60, Holds: true},
		{Users: 11, Within: 0.95, Requests: 60, Holds: true, Why: "the client used 70 % of its cores"},
		{Users: 12, Within: 0.9, Requests: 60, Why: "90 % of the answers came within the limits, under 95 %"},
	}}
	none := texts("fastapi-pytorch", 0, 0, 0, 0)
	none.Metrics, none.Withheld = nil, map[unit.Name]string{"users": "the limits do not hold for one user: 0 % of the answers came within the limits, under 95 %"}
	none.Knee = &results.Knee{TTFTMS: 1000, ITLMS: 100, Probes: []results.Probe{{Users: 1, Requests: 20, Why: "0 % of the answers came within the limits, under 95 %"}}}
	env := quick()
	env.Skipped = nil
	text, markdown := table(t, runWith(t, units+textsUnits, env,
		texts("fastapi-pytorch", 4, 1085, 123, 28.8), texts("vllm", 4, 487, 24, 144), vllm, most, none))
	golden(t, "texts.txt", text)
	golden(t, "texts.md", markdown)
}

func TestFirstTextsArePooled(t *testing.T) {
	one, two := texts("vllm", 4, 100, 20, 100), texts("vllm", 4, 300, 20, 100)
	two.Trial = 2
	one.Issued, one.Failed, one.Raw = 3, nil, map[unit.Series][]float64{unit.FirstText: {100_000, 101_000, 102_000}}
	two.Issued, two.Failed, two.Raw = 1, nil, map[unit.Series][]float64{unit.FirstText: {300_000}}
	env := quick()
	env.Skipped = nil
	text, _ := table(t, runWith(t, units+textsUnits, env, one, two))
	require.Regexp(t, `ttft-ms +101\n`, text, "the median of four requests, not of two medians")
}
