package telemetry

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// page is a server's metrics in the Prometheus text format, by name.
type page struct {
	families map[string]*dto.MetricFamily
	broken   map[string]error // names of which a line could not be read: their numbers are not known
}

// badLines is how many lines of a page may be left out before none is believed.
const badLines = 100

// parsePage reads a page. A line that cannot be read is left out, with the
// numbers of its name: the others are no less true.
func parsePage(text []byte) (page, error) {
	lines := cleaned(text)
	p := page{broken: map[string]error{}}
	var first error
	for range badLines {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(append(bytes.Join(lines, []byte("\n")), '\n')))
		if err == nil && (len(families) > 0 || first == nil) {
			p.families = families
			return p, nil
		}
		if err == nil {
			return page{}, first // nothing of it can be read
		}
		first = cmp.Or(first, fmt.Errorf("read the server's metrics: %w", err))
		rest, name, ok := without(lines, err)
		if !ok {
			return page{}, fmt.Errorf("read the server's metrics: %w", err)
		}
		lines, p.broken[name] = rest, fmt.Errorf("read the server's metrics: %s: %w", name, err)
	}
	return page{}, fmt.Errorf("read the server's metrics: more than %d lines of it are in no format that is known", badLines)
}

// series are the series of a name; an error when not all of them could be read.
func (p page) series(name string) ([]*dto.Metric, error) {
	return p.families[name].GetMetric(), p.broken[name]
}

// labels are those that a series must have; others do not matter.
type labels map[string]string

func (l labels) of(m *dto.Metric) bool {
	for name, want := range l {
		i := slices.IndexFunc(m.GetLabel(), func(p *dto.LabelPair) bool { return p.GetName() == name })
		if i < 0 || m.GetLabel()[i].GetValue() != want {
			return false
		}
	}
	return true
}

// number adds up the counters or gauges of a name with these labels; false when
// there is none. A value below zero or one that is no number is an error.
func (p page) number(name string, with labels) (sum float64, told bool, err error) {
	all, err := p.series(name)
	if err != nil {
		return 0, false, err
	}
	for _, m := range all {
		if !with.of(m) {
			continue
		}
		v := m.GetUntyped().GetValue()
		switch {
		case m.GetCounter() != nil:
			v = m.GetCounter().GetValue()
		case m.GetGauge() != nil:
			v = m.GetGauge().GetValue()
		case m.GetUntyped() == nil:
			continue
		}
		if !finite(v) || v < 0 {
			return 0, false, fmt.Errorf("read the server's metrics: %s is %v", name, v)
		}
		sum, told = sum+v, true
	}
	return sum, told, nil
}

// histogram is the first histogram of a name with these labels: its sum, its
// count and how many observations fell into each bucket. nil when there is none.
func (p page) histogram(name string, with labels) (*Batches, error) {
	all, err := p.series(name)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		h := m.GetHistogram()
		if h == nil || !with.of(m) {
			continue
		}
		b := &Batches{Runs: float64(h.GetSampleCount()), Items: h.GetSampleSum()}
		if !finite(b.Items) || b.Items < 0 {
			return nil, fmt.Errorf("read the server's metrics: the sum of %s is %v", name, b.Items)
		}
		buckets := slices.Clone(h.GetBucket())
		slices.SortFunc(buckets, func(a, b *dto.Bucket) int { return cmp.Compare(a.GetUpperBound(), b.GetUpperBound()) })
		below := 0.0
		for i, x := range buckets {
			if i > 0 && buckets[i-1].GetUpperBound() == x.GetUpperBound() {
				return nil, fmt.Errorf("read the server's metrics: %s has the bound %v twice", name, x.GetUpperBound())
			}
			if n := float64(x.GetCumulativeCount()); n > below {
				b.Sizes = append(b.Sizes, Bucket{x.GetUpperBound(), n - below})
				below = n
			}
		}
		if above := b.Runs - below; above > 0 {
			b.Sizes = append(b.Sizes, Bucket{math.Inf(1), above})
		}
		return b, nil
	}
	return nil, nil
}

// atMost is how many observations of a histogram were at most a bound of its
// buckets; false when it has no such bucket.
func (p page) atMost(name string, bound float64) (float64, bool) {
	all, err := p.series(name)
	if err != nil {
		return 0, false
	}
	for _, m := range all {
		for _, b := range m.GetHistogram().GetBucket() {
			if b.GetUpperBound() == bound {
				return float64(b.GetCumulativeCount()), true
			}
		}
	}
	return 0, false
}

// bySize counts executions that are counters of a name with these labels, one a
// size, which is the label's value. nil when there is none.
func (p page) bySize(name, label string, with labels) (*Batches, error) {
	sizes := map[float64]float64{}
	all, err := p.series(name)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		i := slices.IndexFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == label })
		if i < 0 || m.GetCounter() == nil || !with.of(m) {
			continue
		}
		size, err := strconv.ParseUint(m.GetLabel()[i].GetValue(), 10, 31)
		n := m.GetCounter().GetValue()
		if err != nil || !finite(n) || n < 0 {
			return nil, fmt.Errorf("read the server's metrics: %s is %v of size %.20q", name, n, m.GetLabel()[i].GetValue())
		}
		sizes[float64(size)] += n
	}
	if len(sizes) == 0 {
		return nil, nil
	}
	b := &Batches{}
	for _, size := range slices.Sorted(maps.Keys(sizes)) {
		b.Sizes = append(b.Sizes, Bucket{size, sizes[size]})
		b.Runs, b.Items = b.Runs+sizes[size], b.Items+size*sizes[size]
	}
	if !finite(b.Items) {
		return nil, fmt.Errorf("read the server's metrics: the sum of %s is %v", name, b.Items)
	}
	return b, nil
}

// seconds is a histogram of times as a sum; false when there is none.
func (p page) seconds(name string, with labels) (Sum, bool, error) {
	h, err := p.histogram(name, with)
	if err != nil || h == nil {
		return Sum{}, false, err
	}
	return Sum{Count: h.Runs, Seconds: h.Items}, true, nil
}

// sum is a histogram as a sum, over all its series: of streams and others, say.
// nil when there is none.
func (p page) sum(name string) (*Sum, error) {
	var all *Sum
	series, err := p.series(name)
	if err != nil {
		return nil, err
	}
	for _, m := range series {
		h := m.GetHistogram()
		if h == nil {
			continue
		}
		if all == nil {
			all = &Sum{}
		}
		all.Count, all.Seconds = all.Count+float64(h.GetSampleCount()), all.Seconds+h.GetSampleSum()
		if !finite(all.Seconds) || h.GetSampleSum() < 0 {
			return nil, fmt.Errorf("read the server's metrics: the sum of %s is %v", name, h.GetSampleSum())
		}
	}
	return all, nil
}

// finite reports whether v can be computed with.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
