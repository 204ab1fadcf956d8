package meter

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
)

// server is a registry with the metrics that our servers publish.
type server struct {
	registry *prometheus.Registry
	batch    *prometheus.HistogramVec
	queue    *prometheus.HistogramVec
	total    *prometheus.CounterVec
}

func newServer() server {
	s := server{
		registry: prometheus.NewRegistry(),
		batch:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stackbench_batch_size", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128}}, []string{"model"}),
		queue:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stackbench_queue_seconds"}, []string{"model"}),
		total:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stackbench_requests_total"}, []string{"model", "code"}),
	}
	s.registry.MustRegister(s.batch, s.queue, s.total)
	return s
}

func (s server) page(t *testing.T) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.Bytes()
}

func (s server) scrape(t *testing.T) Scrape {
	t.Helper()
	got, err := ParseScrape(s.page(t), "m")
	require.NoError(t, err)
	return got
}

func TestScrapeDelta(t *testing.T) {
	s := newServer()
	s.batch.WithLabelValues("m").Observe(32) // of the warm-up
	s.batch.WithLabelValues("other").Observe(128)
	s.queue.WithLabelValues("m").Observe(9)
	before := s.scrape(t)
	for _, n := range []float64{1, 4, 8, 3} {
		s.batch.WithLabelValues("m").Observe(n)
		s.queue.WithLabelValues("m").Observe(n / 1000)
	}
	s.total.WithLabelValues("m", "200").Add(4)
	after := s.scrape(t)
	require.Equal(t, map[string]float64{"200": 4}, after.Requests)
	got, err := after.Since(before, 8)
	require.NoError(t, err)
	require.Equal(t, Executions{Items: 16, Runs: 4, Largest: 8, Max: 8, Stages: []Stage{{"queue", 4 * time.Millisecond}}}, got)

	_, err = before.Since(after, 8)
	require.EqualError(t, err, "batch size counted backwards: was the server restarted?")
}

func TestScrapeOfAServerThatTellsNothing(t *testing.T) {
	s, err := ParseScrape([]byte("go_goroutines 7\n"), "m")
	require.NoError(t, err)
	got, err := s.Since(Scrape{}, 8)
	require.NoError(t, err)
	require.Equal(t, Executions{Max: 8}, got)
	require.Equal(t, "the server counted no execution", reason(Summarise(nil, Evidence{Executions: &got}), "batch-mean"))
}

func TestScrapeOfASeriesThatAppearsInTheWindow(t *testing.T) {
	s := newServer()
	before := s.scrape(t)
	s.batch.WithLabelValues("m").Observe(2)
	got, err := s.scrape(t).Since(before, 0)
	require.NoError(t, err)
	require.InDelta(t, 2, got.Items, 0)
	require.Equal(t, 2, got.Largest)
}

func TestLargestBatchAboveEveryBoundIsUnknown(t *testing.T) {
	s := newServer()
	s.batch.WithLabelValues("m").Observe(500)
	got, err := s.scrape(t).Since(Scrape{}, 0)
	require.NoError(t, err)
	require.Zero(t, got.Largest)
	require.InDelta(t, 500, got.Items, 0)
}

// Python's client writes floats, its own _created series and other label order.
func TestScrapeOfThePythonClient(t *testing.T) {
	var b strings.Builder
	b.WriteString("# HELP stackbench_batch_size items\n# TYPE stackbench_batch_size histogram\n")
	for _, le := range []string{"1.0", "2.0", "4.0", "+Inf"} {
		fmt.Fprintf(&b, "stackbench_batch_size_bucket{le=%q,model=\"m\"} 3.0\n", le)
	}
	b.WriteString("stackbench_batch_size_count{model=\"m\"} 3.0\nstackbench_batch_size_sum{model=\"m\"} 3.0\n")
	b.WriteString("# TYPE stackbench_batch_size_created gauge\nstackbench_batch_size_created{model=\"m\"} 1.7e+09\n")
	b.WriteString("# TYPE stackbench_requests_total counter\nstackbench_requests_total{code=\"200\",model=\"m\"} 3.0\n")
	s, err := ParseScrape([]byte(b.String()), "m")
	require.NoError(t, err)
	got, err := s.Since(Scrape{}, 0)
	require.NoError(t, err)
	require.Equal(t, Executions{Items: 3, Runs: 3, Largest: 1}, got)
	require.Equal(t, map[string]float64{"200": 3}, s.Requests)
}

func TestScrapeRefusesNonsense(t *testing.T) {
	for _, page := range []string{"<html>not found</html>", "stackbench_batch_size{", "# TYPE stackbench_batch_size histogram\nstackbench_batch_size_sum{model=\"m\"} NaN\n"} {
		_, err := ParseScrape([]byte(page), "m")
		require.ErrorContains(t, err, "read the server's metrics", page)
	}
}

func FuzzParseScrape(f *testing.F) {
	f.Add([]byte("stackbench_batch_size{"))
	f.Add([]byte("# TYPE stackbench_batch_size histogram\nstackbench_batch_size_bucket{model=\"m\",le=\"1\"} 3\nstackbench_batch_size_sum{model=\"m\"} 3\nstackbench_batch_size_count{model=\"m\"} 3\n"))
	f.Add([]byte("# TYPE stackbench_requests_total counter\nstackbench_requests_total{model=\"m\",code=\"200\"} 3\n"))
	f.Fuzz(func(t *testing.T, page []byte) {
		got, err := ParseScrape(page, "m")
		if err != nil {
			return
		}
		e, err := got.Since(Scrape{}, 8)
		require.NoError(t, err, "everything counts up from nothing")
		for _, m := range Summarise(nil, Evidence{Executions: &e}).Metrics {
			require.True(t, finite(m.Value) && m.Value > 0)
		}
		again, err := got.Since(got, 8)
		require.NoError(t, err)
		require.Zero(t, again.Runs)
	})
}
