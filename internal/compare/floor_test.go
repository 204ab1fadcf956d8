package compare

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/results"
)

// TestClientFloorIsNoStack: one line for all stacks, under the loads that have one.
func TestClientFloorIsNoStack(t *testing.T) {
	a := trial(name("Embeddings", "embedded", "all-minilm-l6-v2", "text", 1, 1, 0), 1, 20, 30, 50)
	b := trial(name("Embeddings", "fastapi-onnxruntime", "all-minilm-l6-v2", "text", 1, 1, 0), 1, 25, 35, 40)
	other := trial(name("Embeddings", "embedded", "all-minilm-l6-v2", "text", 8, 1, 0), 1, 20, 30, 50)
	a.Floor = &results.Floor{P50: 0.1, P95: 0.3}
	b.Floor = &results.Floor{P50: 0.2}
	text, markdown := table(t, run(t, quick(), a, b, other))
	for _, got := range []string{text, markdown} {
		require.Equal(t, 1, strings.Count(got, "client floor"))
		require.Contains(t, got, "client floor, in every stack's times: p50 0.150 ms, p95 0.300 ms")
		require.NotContains(t, got, "null")
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "client floor") {
			require.NotContains(t, line, "best")
		}
	}
}
