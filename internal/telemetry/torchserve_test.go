package telemetry

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/stack"
)

func torchServeCapture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/captures/torchserve", name))
	require.NoError(t, err)
	return b
}

func TestTorchServesRealPages(t *testing.T) {
	before, err := parseTorchServe(torchServeCapture(t, "metrics-before.txt"), "resnet50")
	require.NoError(t, err)
	require.Equal(t, Reading{Stages: map[string]Sum{}}, before, "series that begin with the first request")
	after, err := parseTorchServe(torchServeCapture(t, "metrics-after.txt"), "resnet50")
	require.NoError(t, err)
	got, err := after.Since(before)
	require.NoError(t, err)
	require.Equal(t, &Batches{Runs: 6, Items: 3 + 48 + 2*96, Sizes: []Bucket{{1, 3}, {48, 1}, {96, 2}}}, got.Batches)
	require.Equal(t, 96, got.Batches.Largest())
	require.Equal(t, []Stage{
		{Queue, 3217026719 * time.Nanosecond},
		{Preprocess, 38062275 * time.Nanosecond},
		{Compute, 15392906650 * time.Nanosecond},
		{Postprocess, 96825 * time.Nanosecond},
	}, got.Stages)

	other, err := parseTorchServe(torchServeCapture(t, "metrics-after.txt"), "another")
	require.NoError(t, err)
	require.Equal(t, before, other)
}

// TestTheQueueIsToldOfRESTOnly: gRPC requests add to the handler's parts, and
// nothing to TorchServe's own time in the queue.
func TestTheQueueIsToldOfRESTOnly(t *testing.T) {
	page := func(computed string, more ...string) []byte {
		return []byte(strings.Join(append([]string{
			"# TYPE ts_queue_latency_microseconds counter", `ts_queue_latency_microseconds{model_name="m",model_version="default"} 8000`,
			"# TYPE stackbench_compute_ms counter", `stackbench_compute_ms{ModelName="m"} ` + computed,
			"# TYPE stackbench_requests counter", `stackbench_requests{ModelName="m",Transport="rest"} 4`,
		}, more...), "\n") + "\n")
	}
	before, err := parseTorchServe(page("40"), "m")
	require.NoError(t, err)
	require.Equal(t, map[string]Sum{Queue: {4, 0.008}, Compute: {4, 0.04}}, before.Stages)
	after, err := parseTorchServe(page("60", `stackbench_requests{ModelName="m",Transport="grpc"} 2`), "m")
	require.NoError(t, err)
	got, err := after.Since(before)
	require.NoError(t, err)
	require.Equal(t, []Stage{{Compute, 10 * time.Millisecond}}, got.Stages)
}

func TestTorchServesRealStates(t *testing.T) {
	for name, want := range map[string]struct {
		workers string
		waiting float64
	}{
		"ready.http":       {"32", 0},
		"waiting.http":     {"32", 2},
		"worker-gone.http": {"UNLOADING", 1},
		"restarted.http":   {"70", 0},
	} {
		s := torchServe(t, name)
		now, err := s.Gauges(t.Context())
		require.NoError(t, err, name)
		require.InDelta(t, want.waiting, now.Waiting, 0, name)
		r, err := s.Read(t.Context())
		require.NoError(t, err, name)
		require.Equal(t, want.workers, r.Workers, name)
	}
}

func TestAWorkerThatDies(t *testing.T) {
	before, err := torchServe(t, "ready.http").Read(t.Context())
	require.NoError(t, err)
	for name, restarted := range map[string]bool{"waiting.http": false, "worker-gone.http": true, "restarted.http": true} {
		after, err := torchServe(t, name).Read(t.Context())
		require.NoError(t, err)
		got, err := after.Since(before)
		require.NoError(t, err)
		require.Equal(t, restarted, got.Restarted, name)
	}
}

// torchServe replays a state of the model and the metrics after the run.
func torchServe(t *testing.T, state string) Source {
	t.Helper()
	script, err := fake.Capture(torchServeCapture(t, state))
	require.NoError(t, err)
	model, err := fake.HTTP(script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, model.Close()) })
	metrics, err := fake.HTTP(fake.Script{Body: torchServeCapture(t, "metrics-after.txt")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, metrics.Close()) })
	return Source{Kind: stack.TorchServeMetrics, At: stack.Endpoint{REST: model.Addr(), Metrics: metrics.Addr()}, Model: "resnet50"}
}

func TestTorchServeThatTellsLess(t *testing.T) {
	s := torchServe(t, "ready.http")
	s.At.Metrics = "" // attached, without its metrics port
	_, err := s.Read(t.Context())
	require.ErrorIs(t, err, ErrSilent)
	_, err = torchServe(t, "unknown-model-state.http").Gauges(t.Context())
	require.ErrorContains(t, err, "/models/resnet50: status: status 404")
}

func TestTorchServesNonsenseIsRefused(t *testing.T) {
	for _, text := range []string{
		"<html>",
		"# TYPE stackbench_executions counter\nstackbench_executions{ModelName=\"m\",Items=\"x\"} 1\n",
		"# TYPE stackbench_executions counter\nstackbench_executions{ModelName=\"m\",Items=\"2\"} NaN\n",
		"# TYPE stackbench_executions counter\nstackbench_executions{ModelName=\"m\",Items=\"2\"} 1.7e308\n",
		"# TYPE stackbench_compute_ms counter\nstackbench_compute_ms{ModelName=\"m\"} -1\n",
		"# TYPE stackbench_requests counter\nstackbench_requests{ModelName=\"m\"} -1\n",
	} {
		_, err := parseTorchServe([]byte(text), "m")
		require.ErrorContains(t, err, "read the server's metrics", text)
	}
	for text, want := range map[string]string{
		"<html>": "not TorchServe's JSON",
		"[]":     "no version",
		"null":   "no version",
	} {
		_, err := parseTorchServeState([]byte(text))
		require.ErrorContains(t, err, want)
	}
	s, err := parseTorchServeState([]byte(`[{"jobQueueStatus":{"pendingRequests":-1}}]`))
	require.NoError(t, err)
	_, err = s.waiting()
	require.ErrorContains(t, err, "-1 requests wait")
	s, err = parseTorchServeState([]byte(`[{}]`)) // older releases have no queue in it
	require.NoError(t, err)
	_, err = s.waiting()
	require.ErrorIs(t, err, ErrSilent)
}

func FuzzParseTorchServe(f *testing.F) {
	f.Add(torchServeCapture(f, "metrics-after.txt"))
	f.Add([]byte("# TYPE stackbench_executions counter\nstackbench_executions{ModelName=\"resnet50\",Items=\"1\"} 1e300\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseTorchServe(text, "resnet50")
		if err != nil {
			return
		}
		_, err = got.Since(Reading{})
		require.NoError(t, err, "everything counts up from nothing")
		again, err := got.Since(got)
		require.NoError(t, err)
		require.Empty(t, again.Stages)
	})
}

func FuzzParseTorchServeState(f *testing.F) {
	_, body, _ := bytes.Cut(torchServeCapture(f, "waiting.http"), []byte("\r\n\r\n"))
	f.Add(body)
	f.Add([]byte(`[{"workers":[null],"jobQueueStatus":null}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseTorchServeState(text)
		if err != nil {
			return
		}
		s.workers()
		if n, err := s.waiting(); err == nil {
			require.GreaterOrEqual(t, n, 0.0)
		}
	})
}
