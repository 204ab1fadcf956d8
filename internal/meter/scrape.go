package meter

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Scrape is one reading of a server's own counters, from its Prometheus page.
// A histogram that the server does not have is nil.
type Scrape struct {
	Batch       *Histogram // items an execution
	Queue       *Histogram // seconds
	Preprocess  *Histogram // seconds
	Compute     *Histogram // seconds
	Postprocess *Histogram // seconds
	Requests    map[string]float64
}

// Histogram is a Prometheus histogram since the server's start.
type Histogram struct {
	Count   float64
	Sum     float64
	Buckets []Bucket // by rising bound; counts are cumulative
}

// Bucket counts the observations up to a bound.
type Bucket struct {
	Bound float64
	Count float64
}

// ParseScrape reads a page in the Prometheus text format and picks the series
// of the named model out of it: stackbench_batch_size, stackbench_queue_seconds,
// stackbench_preprocess_seconds, stackbench_compute_seconds,
// stackbench_postprocess_seconds and stackbench_requests_total.
func ParseScrape(page []byte, name string) (Scrape, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		return Scrape{}, fmt.Errorf("read the server's metrics: %w", err)
	}
	var s Scrape
	for metric, place := range map[string]**Histogram{
		"stackbench_batch_size":          &s.Batch,
		"stackbench_queue_seconds":       &s.Queue,
		"stackbench_preprocess_seconds":  &s.Preprocess,
		"stackbench_compute_seconds":     &s.Compute,
		"stackbench_postprocess_seconds": &s.Postprocess,
	} {
		h, err := histogram(families[metric], name)
		if err != nil {
			return Scrape{}, fmt.Errorf("read the server's metrics: %s: %w", metric, err)
		}
		*place = h
	}
	s.Requests = requests(families["stackbench_requests_total"], name)
	return s, nil
}

func histogram(family *dto.MetricFamily, name string) (*Histogram, error) {
	for _, m := range family.GetMetric() {
		if m.GetHistogram() == nil || label(m, "model") != name {
			continue
		}
		h := Histogram{Count: float64(m.GetHistogram().GetSampleCount()), Sum: m.GetHistogram().GetSampleSum()}
		if !finite(h.Sum) || h.Sum < 0 {
			return nil, fmt.Errorf("sum of %v", h.Sum)
		}
		for _, b := range m.GetHistogram().GetBucket() {
			h.Buckets = append(h.Buckets, Bucket{b.GetUpperBound(), float64(b.GetCumulativeCount())})
		}
		slices.SortFunc(h.Buckets, func(a, b Bucket) int {
			if a.Bound < b.Bound {
				return -1
			}
			return 1
		})
		return &h, nil
	}
	return nil, nil
}

func requests(family *dto.MetricFamily, name string) map[string]float64 {
	counts := map[string]float64{}
	for _, m := range family.GetMetric() {
		value := m.GetCounter().GetValue()
		if m.GetCounter() == nil {
			value = m.GetUntyped().GetValue()
		}
		if label(m, "model") == name && finite(value) && value >= 0 {
			counts[label(m, "code")] += value
		}
	}
	return counts
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// Executions is what a server's counters say of a window: how it batched, and
// where a request's time went.
type Executions struct {
	Items   float64 // inferences: images or texts
	Runs    float64 // executions of the model
	Largest int     // largest batch seen, as its bucket's bound; 0 when unknown
	Max     int     // configured maximum of the stack's batcher; 0 when it is off
	Stages  []Stage // in the order in which a request passes them; only those that the stack tells
}

// Stage is the mean time in one part of the server's work.
type Stage struct {
	Name string // queue, preprocess, compute, postprocess
	Mean time.Duration
}

// Since subtracts an earlier reading. It fails when a counter went backwards,
// which it does when the server was restarted in between. max is the stack's
// configured maximum batch, 0 when its batcher is off.
func (s Scrape) Since(before Scrape, max int) (Executions, error) {
	e := Executions{Max: max}
	batch, err := s.Batch.since(before.Batch)
	if err != nil {
		return Executions{}, fmt.Errorf("batch size %w", err)
	}
	if batch != nil {
		e.Items, e.Runs, e.Largest = batch.Sum, batch.Count, batch.largest()
	}
	for _, stage := range []struct {
		name       string
		now, start *Histogram
	}{
		{"queue", s.Queue, before.Queue},
		{"preprocess", s.Preprocess, before.Preprocess},
		{"compute", s.Compute, before.Compute},
		{"postprocess", s.Postprocess, before.Postprocess},
	} {
		d, err := stage.now.since(stage.start)
		if err != nil {
			return Executions{}, fmt.Errorf("%s time %w", stage.name, err)
		}
		if d != nil && d.Count > 0 {
			mean := time.Duration(math.Round(d.Sum / d.Count * float64(time.Second)))
			e.Stages = append(e.Stages, Stage{stage.name, mean})
		}
	}
	return e, nil
}

// since is what a histogram counted after an earlier reading; nil when the
// server has none. One that appeared since then began at zero.
func (h *Histogram) since(before *Histogram) (*Histogram, error) {
	if h == nil {
		return nil, nil
	}
	if before == nil {
		return h, nil
	}
	d := &Histogram{Count: h.Count - before.Count, Sum: h.Sum - before.Sum}
	if d.Count < 0 || d.Sum < 0 || len(h.Buckets) != len(before.Buckets) {
		return nil, fmt.Errorf("counted backwards: was the server restarted?")
	}
	for i, b := range h.Buckets {
		d.Buckets = append(d.Buckets, Bucket{b.Bound, b.Count - before.Buckets[i].Count})
	}
	return d, nil
}

// largest is the bound of the highest bucket that counted something; 0 when
// that is the one without a bound, or there is none.
func (h *Histogram) largest() int {
	below := 0.0
	largest := 0
	for _, b := range h.Buckets {
		if b.Count > below {
			below = b.Count
			largest = 0
			if b.Bound > 0 && b.Bound <= math.MaxInt32 {
				largest = int(b.Bound)
			}
		}
	}
	if below < h.Count { // some are above every bound
		return 0
	}
	return largest
}

func (e Executions) service(l *ledger) {
	if e.Runs == 0 {
		l.withhold("batch-mean", "the server counted no execution")
		return
	}
	mean := e.Items / e.Runs
	l.put("batch-mean", mean)
	if e.Max == 0 {
		l.withhold("batch-eff", "the stack's batcher is off")
		return
	}
	l.put("batch-eff", 100*mean/float64(e.Max))
}
