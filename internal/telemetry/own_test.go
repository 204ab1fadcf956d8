package telemetry

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/stack"
)

// of is a source of a model.
func of(model string) Source { return Source{Model: model} }

// server is a registry with the metrics that our servers publish.
type server struct {
	registry *prometheus.Registry
	batch    *prometheus.HistogramVec
	queue    *prometheus.HistogramVec
}

func newServer() server {
	s := server{
		registry: prometheus.NewRegistry(),
		batch:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stackbench_batch_size", Buckets: []float64{1, 2, 3, 4, 8, 16, 32, 64, 128}}, []string{"model"}),
		queue:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stackbench_queue_seconds"}, []string{"model"}),
	}
	s.registry.MustRegister(s.batch, s.queue)
	return s
}

func (s server) read(t *testing.T) Reading {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	got, err := parseOwn(w.Body.Bytes(), of("m"))
	require.NoError(t, err)
	return got
}

func TestWorkIsTheDifference(t *testing.T) {
	s := newServer()
	s.batch.WithLabelValues("m").Observe(32) // of the warm-up
	s.batch.WithLabelValues("other").Observe(128)
	s.queue.WithLabelValues("m").Observe(9)
	before := s.read(t)
	for _, n := range []float64{1, 4, 8, 3} {
		s.batch.WithLabelValues("m").Observe(n)
		s.queue.WithLabelValues("m").Observe(n / 1000)
	}
	after := s.read(t)
	got, err := after.Since(before)
	require.NoError(t, err)
	require.Equal(t, []Stage{{Queue, 4 * time.Millisecond}}, got.Stages)
	require.Equal(t, &Batches{Runs: 4, Items: 16, Sizes: []Bucket{{1, 1}, {3, 1}, {4, 1}, {8, 1}}}, got.Batches)
	require.Equal(t, 8, got.Batches.Largest())

	_, err = before.Since(after)
	require.EqualError(t, err, "executions: a counter went backwards: was the server restarted?")
}

func TestAPageThatTellsNothing(t *testing.T) {
	r, err := parseOwn([]byte("go_goroutines 7\n"), of("m"))
	require.NoError(t, err)
	got, err := r.Since(Reading{})
	require.NoError(t, err)
	require.Equal(t, Work{}, got)
	_, err = ownWaiting([]byte("go_goroutines 7\n"), of("m"))
	require.ErrorIs(t, err, ErrSilent)
}

func TestASeriesThatAppearsInTheWindow(t *testing.T) {
	s := newServer()
	before := s.read(t)
	s.batch.WithLabelValues("m").Observe(2)
	got, err := s.read(t).Since(before)
	require.NoError(t, err)
	require.InDelta(t, 2, got.Batches.Items, 0)
	require.Equal(t, 2, got.Batches.Largest())
}

func TestLargestBatchAboveEveryBoundIsUnknown(t *testing.T) {
	s := newServer()
	s.batch.WithLabelValues("m").Observe(500)
	got, err := s.read(t).Since(Reading{})
	require.NoError(t, err)
	require.Zero(t, got.Batches.Largest())
	require.InDelta(t, 500, got.Batches.Items, 0)
}

// Python's client writes floats, its own _created series and other label order.
func TestThePageOfPythonsClient(t *testing.T) {
	var b strings.Builder
	b.WriteString("# HELP stackbench_batch_size items\n# TYPE stackbench_batch_size histogram\n")
	for _, le := range []string{"1.0", "2.0", "4.0", "+Inf"} {
		fmt.Fprintf(&b, "stackbench_batch_size_bucket{le=%q,model=\"m\"} 3.0\n", le)
	}
	b.WriteString("stackbench_batch_size_count{model=\"m\"} 3.0\nstackbench_batch_size_sum{model=\"m\"} 3.0\n")
	b.WriteString("# TYPE stackbench_batch_size_created gauge\nstackbench_batch_size_created{model=\"m\"} 1.7e+09\n")
	b.WriteString("# TYPE stackbench_queue_depth gauge\nstackbench_queue_depth{model=\"m\"} 5.0\n")
	r, err := parseOwn([]byte(b.String()), of("m"))
	require.NoError(t, err)
	require.Equal(t, &Batches{Runs: 3, Items: 3, Sizes: []Bucket{{1, 3}}}, r.Batches)
	waiting, err := ownWaiting([]byte(b.String()), of("m"))
	require.NoError(t, err)
	require.InDelta(t, 5, waiting, 0)
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, text := range []string{"<html>not found</html>", "stackbench_batch_size{", "# TYPE stackbench_batch_size histogram\nstackbench_batch_size_sum{model=\"m\"} NaN\n"} {
		_, err := parseOwn([]byte(text), of("m"))
		require.ErrorContains(t, err, "read the server's metrics", text)
	}
	_, err := ownWaiting([]byte("# TYPE stackbench_queue_depth gauge\nstackbench_queue_depth{model=\"m\"} -1\n"), of("m"))
	require.ErrorContains(t, err, "stackbench_queue_depth is -1")
}

func TestSourceReadsTheServer(t *testing.T) {
	f, err := fake.HTTP(fake.Script{Body: []byte("# TYPE stackbench_queue_depth gauge\nstackbench_queue_depth{model=\"m\"} 2\n")})
	require.NoError(t, err)
	defer f.Close()
	s := Source{Kind: stack.OwnMetrics, At: stack.Endpoint{REST: f.Addr()}, Model: "m"}
	_, err = s.Read(t.Context())
	require.NoError(t, err)
	now, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 2, now.Waiting, 0)

	s.At.REST = ""
	_, err = s.Read(t.Context())
	require.ErrorIs(t, err, ErrSilent)
	_, err = Source{At: stack.Endpoint{REST: f.Addr()}}.Gauges(t.Context())
	require.ErrorIs(t, err, ErrSilent)
}

func TestAServerWithoutThePage(t *testing.T) {
	f, err := fake.HTTP(fake.Script{Status: 404, Body: []byte("no such page")})
	require.NoError(t, err)
	defer f.Close()
	_, err = Source{Kind: stack.OwnMetrics, At: stack.Endpoint{REST: f.Addr()}, Model: "m"}.Read(t.Context())
	require.ErrorContains(t, err, "read the server's own counters at /metrics: status: status 404")
}

func FuzzParseOwn(f *testing.F) {
	f.Add([]byte("stackbench_batch_size{"))
	f.Add([]byte("# TYPE stackbench_batch_size histogram\nstackbench_batch_size_bucket{model=\"m\",le=\"1\"} 3\nstackbench_batch_size_sum{model=\"m\"} 3\nstackbench_batch_size_count{model=\"m\"} 3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseOwn(text, of("m"))
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
