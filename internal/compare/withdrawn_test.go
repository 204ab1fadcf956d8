package compare

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Runs of the harness that gave the steps of embedded's decoder for its answers
// show neither what it computed nor the network that this left.
func TestFiguresThatAHarnessGotWrongAreNotShown(t *testing.T) {
	shown := func(version string) string {
		ours, other := texts("embedded", 4, 100, 10, 200), texts("vllm", 4, 100, 10, 200)
		ours.Stages = map[string]float64{"network": 8850, "queue": 202, "compute": 17.6}
		other.Stages = map[string]float64{"network": 1.44, "queue": 0.0119, "compute": 3650}
		images := batching("embedded", "off", 16, 40, 300, 4.7)
		env := quick()
		env.Harness.Version = version
		text, _ := table(t, runWith(t, units+textsUnits+batchingUnits, env, ours, other, images))
		return text
	}
	old := shown("0.2")
	require.NotContains(t, old, "8850 ms")
	require.NotContains(t, old, "17.6 ms")
	require.Regexp(t, `network +– +1\.44 ms`, old)
	require.Regexp(t, `queue +202 ms +0\.0119 ms`, old)
	require.Regexp(t, `compute +– +3650 ms`, old)
	require.Regexp(t, `network +0\.400 ms`, old, "of other work")
	require.Contains(t, old, "1 network value (embedded counted compute by the step of its decoder")
	require.Contains(t, old, "1 compute value (embedded counted compute by the step of its decoder")
	now := shown("0.3")
	require.Regexp(t, `network +8850 ms +1\.44 ms`, now)
	require.NotContains(t, now, "step of its decoder")
}
