package compare

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

const batchingUnits = "Unit knee-rps better=higher\nUnit queue-ms better=lower\nUnit batch-eff better=higher\n"

// batching is a trial of batch serving with what the server's counters say.
func batching(stack, batcher string, conc int, p50, rate, mean float64) results.Trial {
	n := results.Name{Group: "BatchServing"}.
		With(axis.Stack, stack).With(axis.Model, "all-minilm-l6-v2").With(axis.Proto, "rest").With(axis.Input, "text").
		With(axis.Batch, axis.Mixed).With(axis.Batcher, batcher).With(axis.Conc, axis.Count(conc))
	if conc == 0 {
		n = n.With(axis.Load, axis.Knee)
	}
	t := trial(n, 1, p50, 2*p50, rate)
	t.Metrics = map[unit.Name]float64{"emb/s": rate, "batch-mean": mean, "mem-MB": 100, "queue-ms": p50 / 4, "queue-depth": 1.5}
	t.Stages = map[string]float64{"network": 0.4, "queue": p50 / 4, "compute": p50 / 2}
	if conc > 0 {
		t.Metrics["p50-ms"], t.Metrics["p95-ms"] = p50, 2*p50
	}
	return t
}

func TestBatchingAndKnees(t *testing.T) {
	on := batching("triton", "32x5ms", 16, 30, 400, 9.5)
	on.Metrics["max-batch"], on.Metrics["batch-eff"] = 24, 29.7
	on.Stages["preprocess"] = 0.8
	knee := batching("triton", "32x5ms", 0, 20, 360, 6)
	knee.Metrics["knee-rps"], knee.Metrics["batch-eff"] = 61.25, 18.75
	knee.Knee = &results.Knee{LimitMS: 200, Capacity: 80, Probes: []results.Probe{
		{Rate: 56, P99MS: 110, Requests: 750, Holds: true},
		{Rate: 70, P99MS: 912, Requests: 750, Why: "p99 was 912 ms, over 200 ms"},
		{Rate: 61.25, P99MS: 180.4, Requests: 750, Holds: true, Why: "sends were late"},
		{Rate: 67.2, Requests: 750, Why: "20 of 750 requests failed"},
	}}
	none := batching("embedded", "off", 0, 20, 0, 0)
	none.Metrics, none.Withheld = nil, map[unit.Name]string{"knee-rps": "no rate held; at 3.1/s p99 was 340 ms, over 200 ms"}
	none.Knee = &results.Knee{LimitMS: 200, Capacity: 4, Probes: []results.Probe{{Rate: 3.1, P99MS: 340, Requests: 700, Why: "p99 was 340 ms, over 200 ms"}}}
	env := quick()
	env.Skipped = nil
	text, markdown := table(t, runWith(t, units+batchingUnits, env,
		batching("embedded", "off", 16, 40, 300, 4.7), batching("triton", "off", 16, 50, 280, 4.7), on, knee, none))
	golden(t, "batching.txt", text)
	golden(t, "batching.md", markdown)
}

// TestProbesSayWhatIsKnown: a p99 that is not known is not infinite, and a probe
// that did not decide is not marked as one that failed.
func TestProbesSayWhatIsKnown(t *testing.T) {
	c := Curve{LimitMS: 200, Points: []results.Probe{
		{Rate: 5.12, Requests: 460, Why: "p99 needs 662 requests, and in 1m30s come 460"}, // as older runs have it
		{Rate: 6, Requests: 300, Within: 1, Low: 0.991, High: 1, Holds: true},
		{Rate: 7, Requests: 300, Within: 0.99, Low: 0.97, High: 0.997, Open: true},
		{Rate: 8, Requests: 900, Within: 0.991, Low: 0.983, High: 0.996, Open: true, P99MS: 190},
		{Rate: 9, Requests: 20, Within: 0.2, Low: 0.1, High: 0.4},
		{Rate: 10, Requests: 800, Within: 0.9, Low: 0.88, High: 0.92},
	}}
	require.Equal(t, "5.12→– ?, 6.00→≤200, 7.00→– ?, 8.00→190 ?, 9.00→>200 ✗, 10.0→∞ ✗", c.points())
}

func TestASearchShowsItsInterval(t *testing.T) {
	search := func(stack string, users, low, high float64) results.Trial {
		one := texts(stack, 0, 0, 0, 100)
		one.Metrics["users"] = users
		one.Knee = &results.Knee{TTFTMS: 1000, ITLMS: 100, Low: low, High: high, Probes: []results.Probe{{Users: 4, Within: 1, Requests: 60, Holds: true}}}
		return one
	}
	text, _ := table(t, runWith(t, units+textsUnits, quick(), search("a", 46, 41, 51), search("b", 30, 28, 33), search("c", 45, 43, 52)))
	require.Regexp(t, `users +46 \(41–51\)  level +30 \(28–33\)  \(−35%\) +45 \(43–52\)  \(−2.2%, level\)`, text)
	require.Contains(t, text, "users 46 (41–51):  4→100 %")
	text, _ = table(t, runWith(t, units+textsUnits, quick(), search("a", 46, 41, 51), search("b", 30, 20, 44)))
	require.Regexp(t, `users +46 \(41–51\)  undecided +30 \(20–44\)  \(−35%, undecided\)`, text)
}
