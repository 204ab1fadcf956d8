package results

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInvalidResultsAreNotRead: a line behind a mark of its name is no result,
// and the next of that name is one again.
func TestInvalidResultsAreNotRead(t *testing.T) {
	const text = `# invalid A/stack=x/batch=1: answers: 6 of 20 agree
BenchmarkB/stack=x/batch=1-2 1 5 p50-ms
BenchmarkA/stack=x/batch=1-2 1 9 p50-ms
BenchmarkA/stack=x/batch=1-2 1 7 p50-ms
# invalid C/stack=x: it was not steady
`
	b, err := ReadBench(strings.NewReader(text), "bench.txt")
	require.NoError(t, err)
	require.Equal(t, []float64{7}, b.Samples[Series{"A/stack=x/batch=1", "p50-ms"}])
	require.Equal(t, []float64{5}, b.Samples[Series{"B/stack=x/batch=1", "p50-ms"}])
	require.Equal(t, []string{"bench.txt:3: A/stack=x/batch=1 is left out: answers: 6 of 20 agree"}, b.Warnings)

	_, err = ReadBench(strings.NewReader(strings.Join(strings.SplitAfter(text, "\n")[0:1], "")+"BenchmarkA/stack=x/batch=1 1 9 p50-ms\n"), "bench.txt")
	require.ErrorContains(t, err, "holds no benchmark result: bench.txt:2: A/stack=x/batch=1 is left out")
	require.ErrorContains(t, err, "\nmeasure again", "it is what go test printed")
}

func TestMarksOfTrials(t *testing.T) {
	one := Trial{Name: "A/stack=x", Invalid: []Reason{{Rule: "answers", Text: "two\nlines"}, {Rule: "late", Text: "late"}}}
	require.Equal(t, "# invalid A/stack=x: two lines; late\nBenchmarkA/stack=x 1", one.marked("BenchmarkA/stack=x 1"))
	require.Equal(t, "line", Trial{}.marked("line"))
}
