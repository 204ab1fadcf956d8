package runner

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/plan"
)

func TestParseGroups(t *testing.T) {
	all, err := ParseGroups("all")
	require.NoError(t, err)
	require.Equal(t, Groups(), all)
	one, err := ParseGroups("embeddings,embeddings")
	require.NoError(t, err)
	require.Equal(t, []string{"embeddings"}, names(one))
	_, err = ParseGroups("emebddings")
	require.ErrorContains(t, err, `unknown group "emebddings"`)
	require.ErrorContains(t, err, "image_classification")
}

func TestParseLine(t *testing.T) {
	l, ok := ParseLine("BenchmarkE/stack=a/conc=8-2 \t 1\t 120 ns/op\t 8.5 p95-ms")
	require.True(t, ok)
	require.Equal(t, "E/stack=a/conc=8", l.Name)
	require.Equal(t, map[string]string{"ns/op": "120", "p95-ms": "8.5"}, l.Values)
	for _, text := range []string{"", "PASS", "goos: linux", "BenchmarkE/stack=a", "--- FAIL: BenchmarkE/stack=a", "ok  \tpkg\t3.2s x"} {
		_, ok := ParseLine(text)
		require.False(t, ok, text)
	}
}

func TestResultsKeepOnlyTheFormatAndNoRepeats(t *testing.T) {
	var b bytes.Buffer
	r := NewResults(&b)
	in := []string{"goos: linux", "pkg: a", "Unit rps better=higher", "BenchmarkX/stack=a 1 5 ns/op", "PASS", "# note", "Panic: no",
		"goos: linux", "pkg: b", "Unit rps better=higher", "BenchmarkX/stack=b 1 5 ns/op", "stray words"}
	for _, line := range in {
		require.NoError(t, r.Write(line))
	}
	require.Equal(t, "goos: linux\npkg: a\nUnit rps better=higher\nBenchmarkX/stack=a 1 5 ns/op\npkg: b\nBenchmarkX/stack=b 1 5 ns/op\n", b.String())
}

func job(stack string, names ...string) Job {
	j := Job{Group: Groups()[2], Stack: stack, Trial: 1}
	for _, n := range names {
		j.Leaves = append(j.Leaves, plan.Leaf{Name: n, Stack: stack, Seconds: 5})
	}
	return j
}

func TestProgressSaysWhatEndedAndWhatIsLeft(t *testing.T) {
	var b strings.Builder
	clock := time.Unix(0, 0)
	j := job("embedded", "Embeddings/stack=embedded/model=m/proto=rest/input=text/batch=1/load=closed/conc=8", "Embeddings/x")
	p := NewProgress(&b, []Job{j}, func() time.Time { return clock })
	clock = clock.Add(10 * time.Second) // twice what was expected
	l, ok := ParseLine("Benchmark" + j.Leaves[0].Name + " 1 5 ns/op 8.5 p95-ms 120 rps")
	require.True(t, ok)
	p.Window(j, l)
	require.Equal(t, "[1/2] embeddings  embedded  m rest text batch=1 conc=8   p95 8.5 ms   rps 120   0:10 left\n", b.String())
	p.Job(j, errors.New("exit status 1"))
	require.Zero(t, p.left)
	require.Equal(t, 2, p.done)
	require.Contains(t, b.String(), "failed  embeddings on embedded, trial 1: exit status 1")
}

func TestProgressOnATerminalSaysHowTheWindowGoes(t *testing.T) {
	now := plan.Live{Name: "Embeddings/stack=a/batch=1/load=closed/conc=8", Answers: 320, P50MS: 8.1234, P99MS: 12}
	line, ok := ParseLine("BenchmarkEmbeddings/x 1 5 ns/op 8.5 p95-ms")
	require.True(t, ok)
	for _, terminal := range []bool{false, true} {
		var b strings.Builder
		j := job("embedded", "Embeddings/x")
		p := NewProgress(&b, []Job{j}, func() time.Time { return time.Unix(0, 0) })
		p.Terminal = terminal
		p.Live(j, now)
		p.Live(j, plan.Live{})
		p.Window(j, line)
		p.Job(j, nil)
		want := "[1/1] embeddings  embedded     p95 8.5 ms   0:00 left\n"
		if terminal {
			want = "\r\x1b[K        batch=1 conc=8  so far p50 8.12 ms, p99 12 ms of 320\r\x1b[K" + want
		}
		require.Equal(t, want, b.String())
	}
}

func TestSplitMakesOneJobAStack(t *testing.T) {
	leaves := []plan.Leaf{{Name: "1", Stack: "a"}, {Name: "2", Stack: "b"}, {Name: "3", Stack: "a"}, {Name: "4", Stack: "c", Skip: "no GPU"}}
	jobs, skipped := split(Groups()[0], leaves)
	require.Len(t, jobs, 2)
	require.Len(t, jobs[0].Leaves, 2)
	require.Equal(t, "no GPU", skipped[0].Skip)
}

func TestLastLinesKeepsTheEndAcrossWrites(t *testing.T) {
	l := &lastLines{keep: 2}
	for _, s := range []string{"one\ntw", "o\n\nthree\n", "fou", "r\n"} {
		n, err := l.Write([]byte(s))
		require.NoError(t, err)
		require.Equal(t, len(s), n)
	}
	require.Equal(t, []string{"three", "four"}, l.lines)
}

func FuzzResults(f *testing.F) {
	f.Add("BenchmarkX/stack=a-2 1 5 ns/op\npkg: a\n")
	f.Fuzz(func(t *testing.T, in string) {
		var b bytes.Buffer
		r := NewResults(&b)
		for line := range strings.SplitSeq(in, "\n") {
			require.NoError(t, r.Write(line))
		}
	})
}
