// Package metrics counts what the server does, under the names that all of
// stackbench's own servers share, so that one reader understands each.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is one model's set of collectors, in a registry of its own.
type Metrics struct {
	registry    *prometheus.Registry
	queue       prometheus.Observer
	preprocess  prometheus.Observer
	compute     prometheus.Observer
	postprocess prometheus.Observer
	batchSize   prometheus.Observer
	depth       prometheus.Gauge
	requests    *prometheus.CounterVec
}

// New returns the collectors of a model, all at zero.
func New(model string) *Metrics {
	registry := prometheus.NewRegistry()
	label := prometheus.Labels{"model": model}
	histogram := func(name, help string, buckets []float64) prometheus.Observer {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, ConstLabels: label, Buckets: buckets})
		registry.MustRegister(h)
		return h
	}
	seconds := []float64{
		0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
	}
	m := &Metrics{
		registry:    registry,
		queue:       histogram("stackbench_queue_seconds", "Time a request waited for its execution to begin, or for all those that its answer took.", seconds),
		preprocess:  histogram("stackbench_preprocess_seconds", "Time to decode and scale a request's images, or to tokenise its texts.", seconds),
		compute:     histogram("stackbench_compute_seconds", "Time of the execution that a request was a part of, or of all those that its answer took.", seconds),
		postprocess: histogram("stackbench_postprocess_seconds", "Time to encode a request's reply.", seconds),
		batchSize:   histogram("stackbench_batch_size", "Items in one execution of the model.", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 32, 64, 128}),
		depth: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "stackbench_queue_depth", Help: "Requests waiting for their execution to begin.", ConstLabels: label,
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stackbench_requests_total", Help: "Inference requests answered, by HTTP status (gRPC codes as their HTTP counterparts).", ConstLabels: label,
		}, []string{"code"}),
	}
	registry.MustRegister(m.depth, m.requests, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Waited records the time one request spent in the queue, between the
// executions of its answer, too.
func (m *Metrics) Waited(d time.Duration) { m.queue.Observe(d.Seconds()) }

// Preprocessed records the preprocessing time of one request.
func (m *Metrics) Preprocessed(d time.Duration) { m.preprocess.Observe(d.Seconds()) }

// Executed records one execution: the items in it, and its time for each of the
// requests, all of which waited for the whole of it.
func (m *Metrics) Executed(items, requests int, d time.Duration) {
	m.Stepped(items)
	for range requests {
		m.Computed(d)
	}
}

// Stepped records one execution of the many that an answer takes.
func (m *Metrics) Stepped(items int) { m.batchSize.Observe(float64(items)) }

// Computed records the time that the executions of one request took.
func (m *Metrics) Computed(d time.Duration) { m.compute.Observe(d.Seconds()) }

// Postprocessed records the time to encode one reply.
func (m *Metrics) Postprocessed(d time.Duration) { m.postprocess.Observe(d.Seconds()) }

// Queued changes the number of requests that wait.
func (m *Metrics) Queued(change int) { m.depth.Add(float64(change)) }

// Answered counts one inference request by its HTTP status.
func (m *Metrics) Answered(status int) { m.requests.WithLabelValues(strconv.Itoa(status)).Inc() }

// Handler serves the collectors in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Gather returns the collectors' present state, for tests and checks.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }
