package compare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/hist"
	"stackbench/internal/record"
	"stackbench/internal/results"
)

// spreadOut is a trial whose answers took 1, 2, … n ms, sent so much later than
// they were due, and then so many that failed.
func spreadOut(t *testing.T, l *results.Log, n results.Name, number, good, failed int, late time.Duration) {
	t.Helper()
	tr := trial(n, number, 1, 1, 1)
	tr.Failed = map[string]int{"timeout": failed}
	var records []record.Record
	for i := range good + failed {
		due := time.Duration(i) * time.Millisecond
		r := record.Record{Intended: due, Sent: due + late, Last: due + late + time.Duration(i+1)*time.Millisecond}
		if i >= good {
			r.Outcome = record.Timeout
		}
		records = append(records, r)
	}
	text, err := hist.Log(time.Unix(0, 0), []hist.Window{{Records: records, Length: time.Second}})
	require.NoError(t, err)
	require.NoError(t, l.Histograms(tr.Name, number, text))
	require.NoError(t, l.Append(tr))
}

func TestDistributions(t *testing.T) {
	l, err := results.Create(t.TempDir(), "quick", time.Unix(0, 0), quick())
	require.NoError(t, err)
	for number := 1; number <= 2; number++ {
		spreadOut(t, l, name("Embeddings", "slow-stack-of-a-long-name", "m", "text", 1, 8, 0), number, 100, 0, 0)
		spreadOut(t, l, name("Embeddings", "embedded", "m", "text", 1, 8, 0), number, 95, 5, 0)
		spreadOut(t, l, name("Embeddings", "embedded", "m", "text", 1, 0, 16), number, 20, 0, 50*time.Millisecond)
	}
	old := trial(name("Embeddings", "older", "m", "text", 1, 8, 0), 1, 1, 1, 1)
	damaged := trial(name("Embeddings", "damaged", "m", "text", 1, 8, 0), 1, 1, 1, 1)
	require.NoError(t, l.Append(old))
	require.NoError(t, l.Histograms(damaged.Name, 1, []byte("Tag=response,0,1,2,HISTFAAA\n")))
	require.NoError(t, l.Append(damaged))
	require.NoError(t, l.Close())
	r, err := results.Open(l.Dir())
	require.NoError(t, err)
	c, err := Distributions(r)
	require.NoError(t, err)
	var text, csv strings.Builder
	require.NoError(t, c.Text(&text))
	golden(t, "cdf.txt", text.String())
	require.NoError(t, c.CSV(&csv))
	golden(t, "cdf.csv", csv.String())

	slow, fast := c.Leaves[0].Columns[1], c.Leaves[0].Columns[0]
	require.Equal(t, "embedded", fast.Stack)
	check := func(c Column, inverse int64, want float64) {
		t.Helper()
		ms, known, failed := c.Value(Step{inverse})
		require.True(t, known)
		require.False(t, failed)
		require.InEpsilon(t, want, ms, 0.001)
	}
	check(slow, 1, 1)
	check(slow, 2, 50)
	check(slow, 4, 75)
	check(slow, 0, 100)
	check(fast, 16, 94) // of 200 requests the 188th, failures above all: the raw rank
	_, known, failed := fast.Value(Step{32})
	require.True(t, known && failed)
	_, known, _ = fast.Value(Step{256})
	require.False(t, known, "200 requests do not show it")
}

// TestOlderRunsHaveNoDistributions: those that are committed say so in words.
func TestOlderRunsHaveNoDistributions(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "results", "*", results.EnvFile))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		dir := filepath.Dir(file)
		if _, err := os.Stat(filepath.Join(dir, results.HistFolder)); err == nil {
			continue
		}
		r, err := results.Open(dir)
		require.NoError(t, err)
		_, err = Distributions(r)
		var none *NoHistograms
		require.ErrorAs(t, err, &none)
		require.ErrorContains(t, err, "keeps no histograms")
	}
}
