package telemetry

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

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
	now, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Zero(t, now)

	s.At = stack.Endpoint{REST: "127.0.0.1:1", Metrics: replay(t, "tei/metrics-fresh.http")} // the gRPC image's own port
	r, err = s.Read(t.Context())
	require.NoError(t, err, "before the first request the page is empty")
	require.Empty(t, r.Stages)
	_, err = s.Gauges(t.Context())
	require.ErrorIs(t, err, ErrSilent)
}

// A request of 32 texts at a real TEI, alone: 520.6 ms, of which its texts
// waited 241.2 and were computed for 63.8 in the mean, and tokenised for 0.2.
// The rest is no network: a text that is done waits for the other 31.
func TestTEIsTimesOfSeveralTexts(t *testing.T) {
	var page []byte
	for name, seconds := range map[string]float64{
		"te_request_duration": 0.520592831, "te_request_queue_duration": 0.24123852,
		"te_request_tokenization_duration": 0.000187128, "te_request_inference_duration": 0.063837847,
	} {
		page = fmt.Appendf(page, "# TYPE %[1]s histogram\n%[1]s_bucket{le=\"+Inf\"} 1\n%[1]s_sum %[2]v\n%[1]s_count 1\n", name, seconds)
	}
	r, err := parseTEI(page, Source{Items: 32})
	require.NoError(t, err)
	did, err := r.Since(Reading{})
	require.NoError(t, err)
	var inside time.Duration
	for _, s := range did.Stages {
		inside += s.Mean
	}
	require.InDelta(t, 0.520592831, inside.Seconds(), 1e-8, "all of the request is inside the server")
	require.InDelta(t, 0.215329, r.Stages[Gather].Seconds, 1e-6)

	r, err = parseTEI(page, Source{Items: 1})
	require.NoError(t, err)
	require.NotContains(t, r.Stages, Gather, "one text waits for no other")

	old := bytes.ReplaceAll(page, []byte("te_request_duration"), []byte("te_other"))
	r, err = parseTEI(old, Source{Items: 32})
	require.NoError(t, err)
	require.Empty(t, r.Stages, "means over texts are no times of a request")
}

// Of requests that differ, the large ones wait: one of 31 texts, divided by a
// mean of 16, would be two.
func TestWaitingTextsOfMixedRequestsAreNoRequests(t *testing.T) {
	page := []byte("# TYPE te_queue_size gauge\nte_queue_size 31\n")
	_, err := teiWaiting(page, Source{Items: 16, Mixed: true})
	require.ErrorIs(t, err, ErrSilent)
	n, err := teiWaiting(page, Source{Items: 31})
	require.NoError(t, err)
	require.Equal(t, 1.0, n)
	_, err = infinityWaiting([]byte(`{"data":[{"stats":{"queue_absolute":7}}]}`), Source{Items: 3.5, Mixed: true})
	require.ErrorIs(t, err, ErrSilent)
}

func TestTEISaysHowManyItJoins(t *testing.T) {
	at := stack.Endpoint{REST: replay(t, "tei/info.http")}
	require.Equal(t, 4, Source{Kind: stack.TEIMetrics, At: at}.Most(t.Context()))
	require.Zero(t, Source{Kind: stack.OwnMetrics, At: at}.Most(t.Context()))
	require.Zero(t, Source{Kind: stack.TEIMetrics}.Most(t.Context()), "the gRPC image has no such page")
}

func FuzzParseTEI(f *testing.F) {
	f.Add(capture(f, "tei/metrics.txt"))
	f.Add(teiPage(32, 12, 4, 3))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = parseTEI(text, Source{Items: 2})
		got, err := parseTEI(text, Source{})
		if err == nil && got.Batches != nil {
			require.GreaterOrEqual(t, got.Batches.Runs, 0.0)
		}
		_, _ = teiWaiting(text, Source{})
	})
}

func TestInfinitysRecordedState(t *testing.T) {
	s := Source{Kind: stack.InfinityState, Model: minilm, At: stack.Endpoint{REST: replay(t, "infinity/models.http")}}
	now, err := s.Gauges(t.Context())
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
