package telemetry

import (
	"bytes"
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

// body is that of a recorded HTTP answer.
func body(t testing.TB, name string) []byte {
	t.Helper()
	_, after, ok := bytes.Cut(capture(t, name), []byte("\r\n\r\n"))
	require.True(t, ok)
	return after
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

const minilm = "all-minilm-l6-v2"

func TestTritonsRecordedStatistics(t *testing.T) {
	s := Source{Kind: stack.TritonStatistics, Model: minilm, At: stack.Endpoint{REST: replay(t, "triton/stats-before.http")}}
	before, err := s.Read(t.Context())
	require.NoError(t, err)
	s.At.REST = replay(t, "triton/stats-after.http")
	after, err := s.Read(t.Context())
	require.NoError(t, err)
	did, err := after.Since(before)
	require.NoError(t, err)
	var names []string
	for _, stage := range did.Stages {
		names = append(names, stage.Name)
		require.Positive(t, stage.Mean)
	}
	require.Equal(t, Stages(), names)
	require.InDelta(t, 90, float64(did.Batches.Runs), 30)
	require.Greater(t, did.Batches.Items/did.Batches.Runs, 16.0, "requests were joined")
	require.LessOrEqual(t, did.Batches.Largest(), 32)
	sum := 0.0
	for _, size := range did.Batches.Sizes {
		sum += size.Runs
	}
	require.InDelta(t, did.Batches.Runs, sum, 1e-9, "every execution has a size")
}

func TestTritonsRecordedQueue(t *testing.T) {
	s := Source{Kind: stack.TritonStatistics, Model: minilm, At: stack.Endpoint{Metrics: servePage(t, "triton/metrics.txt")}}
	waiting, err := s.Waiting(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 11, waiting, 0)
	s.Model = "resnet50"
	_, err = s.Waiting(t.Context())
	require.ErrorIs(t, err, ErrSilent)
}

func TestTritonStatisticsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"<html>":             "read Triton's statistics: ",
		`{"error":"no"}`:     "there are none of m",
		`{"model_stats":[]}`: "there are none of m",
		`{"model_stats":[{"name":"m","inference_stats":{"queue":{"count":1,"ns":-5}}}]}`: "the queue time is -5e-09 s of 0 requests",
	} {
		_, err := parseTriton([]byte(text), of("m"))
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseTriton(f *testing.F) {
	f.Add(body(f, "triton/stats-before.http"))
	f.Add([]byte(`{"model_stats":[{"name":"all-minilm-l6-v2","batch_stats":[{"batch_size":1e308}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseTriton(text, of(minilm))
		if err != nil {
			return
		}
		for _, stage := range got.Stages {
			require.GreaterOrEqual(t, stage.Seconds, 0.0)
		}
		_ = got.Batches.Largest()
	})
}
