package telemetry

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/stack"
)

// capture is a recorded reply of a real server, as testdata/captures has it.
func capture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../testdata/captures", name))
	require.NoError(t, err)
	return raw
}

// replay serves a recorded answer to every request.
func replay(t *testing.T, name string) string {
	t.Helper()
	script, err := fake.Capture(capture(t, name))
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Addr()
}

// page serves a recorded page.
func servePage(t *testing.T, name string) string {
	t.Helper()
	f, err := fake.HTTP(fake.Script{Body: capture(t, name)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Addr()
}

// teiPage is TEI's page after so many looks into its queue, as it was recorded
// that the numbers go together.
func teiPage(sizeSum, sizeCount, sizeUnderOne, empty float64) []byte {
	return fmt.Appendf(nil, `# TYPE te_batch_next_size histogram
te_batch_next_size_bucket{le="1"} %v
te_batch_next_size_bucket{le="4"} %v
te_batch_next_size_bucket{le="+Inf"} %v
te_batch_next_size_sum %v
te_batch_next_size_count %v
# TYPE te_batch_next_tokens histogram
te_batch_next_tokens_bucket{le="1"} %v
te_batch_next_tokens_bucket{le="+Inf"} %v
te_batch_next_tokens_sum 99
te_batch_next_tokens_count %v
`, sizeUnderOne, sizeCount, sizeCount, sizeSum, sizeCount, empty, sizeCount, sizeCount)
}

func TestTEIsEmptyLooksAreNoBatches(t *testing.T) {
	for name, c := range map[string]struct {
		page []byte
		mean float64
		most int
	}{
		"10 texts, one after the other": {teiPage(10, 20, 20, 10), 1, 1},
		"32 texts in one request":       {teiPage(32, 12, 4, 3), 32.0 / 9, 4},
	} {
		r, err := parseTEI(c.page, Source{})
		require.NoError(t, err, name)
		did, err := r.Since(Reading{})
		require.NoError(t, err, name)
		require.InDelta(t, c.mean, did.Batches.Items/did.Batches.Runs, 1e-9, name)
		require.Equal(t, c.most, did.Batches.Largest(), name)
	}
}

func TestTEIsRecordedPage(t *testing.T) {
	s := Source{Kind: stack.TEIMetrics, Model: minilm, At: stack.Endpoint{REST: servePage(t, "tei/metrics.txt")}}
	r, err := s.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, Sum{Count: 16, Seconds: 0.832621743}, r.Stages[Compute])
	require.Equal(t, Sum{Count: 16, Seconds: 0.196893503}, r.Stages[Queue])
	require.Equal(t, Sum{Count: 16, Seconds: 0.031474935999999995}, r.Stages[Preprocess])
	require.NotContains(t, r.Stages, Postprocess)
	require.Nil(t, r.Batches, "the record lacks the buckets that say how many looks were empty")
	now, err := s.Crowd(t.Context())
	require.NoError(t, err)
	require.Zero(t, now)

	s.At = stack.Endpoint{REST: "127.0.0.1:1", Metrics: replay(t, "tei/metrics-fresh.http")} // the gRPC image's own port
	r, err = s.Read(t.Context())
	require.NoError(t, err, "before the first request the page is empty")
	require.Empty(t, r.Stages)
	_, err = s.Crowd(t.Context())
	require.ErrorIs(t, err, ErrSilent)
}

func FuzzParseTEI(f *testing.F) {
	f.Add(capture(f, "tei/metrics.txt"))
	f.Add(teiPage(32, 12, 4, 3))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseTEI(text, Source{})
		if err == nil && got.Batches != nil {
			require.GreaterOrEqual(t, got.Batches.Runs, 0.0)
		}
		_, _ = teiWaiting(text, Source{})
	})
}

func TestInfinitysRecordedState(t *testing.T) {
	s := Source{Kind: stack.InfinityState, Model: minilm, At: stack.Endpoint{REST: replay(t, "infinity/models.http")}}
	now, err := s.Crowd(t.Context())
	require.NoError(t, err)
	require.Zero(t, now)
	_, err = s.Read(t.Context())
	require.ErrorIs(t, err, ErrSilent, "it tells neither times nor batches")
	for text, want := range map[string]string{
		"<html>":                "read Infinity's list of models: ",
		`{"data":[]}`:           ErrSilent.Error(),
		`{"data":[{"id":"m"}]}`: ErrSilent.Error(),
		`{"data":[{"stats":{"queue_absolute":-2}}]}`: "-2 texts wait",
	} {
		_, err := infinityWaiting([]byte(text), s)
		require.ErrorContains(t, err, want, text)
	}
	s.Items = 3.5
	n, err := infinityWaiting([]byte(`{"data":[{"stats":{"queue_absolute":7}}]}`), s)
	require.NoError(t, err)
	require.InDelta(t, 2, n, 0, "it counts texts, and a request has 3.5")
}
