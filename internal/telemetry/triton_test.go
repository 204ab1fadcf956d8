package telemetry

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/stack"
)

const minilm = "all-minilm-l6-v2"

// recorded is what a real Triton answered, as testdata/captures has it.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/captures/triton/" + name)
	require.NoError(t, err)
	return raw
}

// replayed is a Triton at minilm whose pages are the recorded ones.
func replayed(t *testing.T, stats, metrics string) Source {
	t.Helper()
	script, err := fake.Capture(recorded(t, stats))
	require.NoError(t, err)
	rest, err := fake.HTTP(script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rest.Close()) })
	page, err := fake.HTTP(fake.Script{Body: recorded(t, metrics)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, page.Close()) })
	return Source{Kind: stack.TritonStatistics, Model: minilm, At: stack.Endpoint{REST: rest.Addr(), Metrics: page.Addr()}}
}

func TestTritonsRecordedStatistics(t *testing.T) {
	before, err := replayed(t, "stats-before.http", "metrics.txt").Read(t.Context())
	require.NoError(t, err)
	after, err := replayed(t, "stats-after.http", "metrics.txt").Read(t.Context())
	require.NoError(t, err)
	did, err := after.Since(before)
	require.NoError(t, err)
	var names []string
	for _, stage := range did.Stages {
		names = append(names, stage.Name)
		require.Positive(t, stage.Mean)
	}
	require.Equal(t, []string{Queue, Preprocess, Compute, Postprocess}, names)
	require.InDelta(t, 90, did.Batches.Runs, 30)
	require.Greater(t, did.Batches.Items/did.Batches.Runs, 16.0, "requests were joined")
	require.LessOrEqual(t, did.Batches.Largest(), 32)
	runs, items := 0.0, 0.0
	for _, size := range did.Batches.Sizes {
		runs, items = runs+size.Runs, items+size.Runs*size.Bound
	}
	require.InDelta(t, did.Batches.Runs, runs, 1e-9, "every execution has a size")
	require.InDelta(t, did.Batches.Items, items, 1e-9, "and the sizes make the items")
}

// TestTritonsPartsAddUp: what composes an ensemble took the time that the
// ensemble says of itself, so nothing was counted twice or left out.
func TestTritonsPartsAddUp(t *testing.T) {
	_, body, _ := bytes.Cut(recorded(t, "stats-after.http"), []byte("\r\n\r\n"))
	parts, err := parseTriton(body, Source{Model: minilm})
	require.NoError(t, err)
	whole, err := parseTriton(body, Source{Model: minilm + "_text"})
	require.NoError(t, err)
	sum := func(r Reading) (seconds float64) {
		for _, stage := range []string{Preprocess, Compute, Postprocess} {
			seconds += r.Stages[stage].Seconds
		}
		return seconds
	}
	require.InEpsilon(t, sum(whole), sum(parts), 0.001)
}

// Ten users of a model that generates eight answers at once: two waited for an
// answer's 2.3 s, and no answer was computed in the 0.2 s that its statistics say.
func TestTritonTellsOfGeneratedTextItsQueueOnly(t *testing.T) {
	s := Source{Kind: stack.TritonStatistics, Model: "gpt2", Texts: true, At: stack.Endpoint{REST: replay(t, "triton/stats-generate.http")}}
	r, err := s.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, Reading{Stages: map[string]Sum{Queue: {11, 4.675109685}}}, r)
}

func TestTritonsRecordedQueue(t *testing.T) {
	s := replayed(t, "stats-after.http", "metrics.txt")
	now, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 11, now.Waiting, 0)

	s.Model = "resnet50"
	_, err = s.Gauges(t.Context())
	require.ErrorIs(t, err, ErrSilent)
	_, err = s.Read(t.Context())
	require.EqualError(t, err, "read Triton's statistics: there are none of resnet50")
	s.At = stack.Endpoint{}
	_, err = s.Gauges(t.Context())
	require.ErrorIs(t, err, ErrSilent, "no metrics port")
	_, err = s.Read(t.Context())
	require.ErrorIs(t, err, ErrSilent)
}

func TestTritonStatisticsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"<html>":             "read Triton's statistics: ",
		`{"error":"no"}`:     "there are none of m",
		`{"model_stats":[]}`: "there are none of m",
		`{"model_stats":[{"name":"m","inference_stats":{"queue":{"count":1,"ns":-5}}}]}`:               "the queue time is -5e-09 s of 0 requests",
		`{"model_stats":[{"name":"m","execution_count":-1}]}`:                                          "-1 executions of 0 items",
		`{"model_stats":[{"name":"m","batch_stats":[{"batch_size":8,"compute_infer":{"count":-2}}]}]}`: "-2 executions of 8 items",
	} {
		_, err := parseTriton([]byte(text), Source{Model: "m"})
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseTriton(f *testing.F) {
	_, body, _ := bytes.Cut(recorded(f, "stats-before.http"), []byte("\r\n\r\n"))
	f.Add(body, recorded(f, "metrics.txt"))
	f.Add([]byte(`{"model_stats":[{"name":"all-minilm-l6-v2","batch_stats":[{"batch_size":1e308},{"batch_size":1e308}]}]}`), []byte("nv_inference_pending_request_count{"))
	f.Fuzz(func(t *testing.T, stats, metrics []byte) {
		s := Source{Model: minilm}
		if waiting, err := tritonWaiting(metrics, s); err == nil {
			require.GreaterOrEqual(t, waiting, 0.0)
		}
		got, err := parseTriton(stats, s)
		if err != nil {
			return
		}
		_, err = got.Since(Reading{})
		require.NoError(t, err, "everything counts up from nothing")
		again, err := got.Since(got)
		require.NoError(t, err)
		require.Empty(t, again.Stages)
		require.GreaterOrEqual(t, got.Batches.Largest(), 0)
	})
}
