package meter

import (
	"cmp"
	"math"
	"slices"
	"time"

	"stackbench/internal/record"
	"stackbench/internal/unit"
)

// Window is what one measured window left.
type Window struct {
	Open    bool              // an open loop; otherwise a closed one
	Records []record.Record   // requests issued in the window, and arrivals dropped in it
	Length  time.Duration     // from the window's opening to its closing
	Conns   int               // users of a closed loop; 0 when unknown
	Items   func(seq int) int // images or texts that a request carries, by its number
	Rate    unit.Name         // unit of items per second: img/s, emb/s; "" for none
	Texts   *Generation       // nil unless the answers are generated text
}

// Summary is what a sample of windows says.
type Summary struct {
	Metrics   []Metric                        // in the order of Units; all finite and above zero
	Withheld  []Withheld                      // what is not published, and why
	Invalid   []Reason                        // why the whole sample must not be believed; empty when it may
	Doubts    []Reason                        // why it may be off: it is shown with a mark, and never called best
	Foreign   *Foreign                        // what others used of the machine; nil when nobody looked
	Steady    Steadiness                      // the worst of the windows
	Issued    int                             // requests that were due, dropped arrivals included
	Good      int                             // of them answered well
	Raw       map[unit.Series][]time.Duration // the series that a trial keeps, by issue time
	Breakdown []Stage                         // where the time of a good answer went, as far as it is known
}

// Publish adds a metric that one sample alone does not give.
func (s *Summary) Publish(u unit.Name, value float64) {
	l := ledger{metrics: s.Metrics, withheld: s.Withheld}
	l.put(u, value)
	s.Metrics, s.Withheld = inOrder(l)
}

// Value gives a published metric, and whether there is one.
func (s Summary) Value(u unit.Name) (float64, bool) {
	for _, m := range s.Metrics {
		if m.Unit == u {
			return m.Value, true
		}
	}
	return 0, false
}

// Summarise measures windows of the same plan, pooled into one sample: raw
// latencies are pooled and ranked once, since percentiles of parts cannot be
// averaged. Evidence is of all the windows together.
func Summarise(windows []Window, e Evidence) Summary {
	var s Summary
	var l ledger
	sample := pool(windows)
	s.Issued, s.Good, s.Raw = sample.issued, len(sample.good), sample.recorded()
	sample.requests(&l)
	e.service(&l, sample)
	s.Metrics, s.Withheld = inOrder(l)
	s.Steady = worst(windows)
	s.Invalid = sample.invalid(e, s.Steady)
	s.Doubts = append(e.doubts(sample.open), e.unsure(s.Steady)...)
	s.Foreign = e.Foreign
	s.Breakdown = sample.breakdown(e.Telemetry.Stages)
	return s
}

// sample is the pooled content of windows.
type sample struct {
	open    bool
	issued  int
	dropped int
	good    []time.Duration // response times, by issue time
	service []time.Duration // t_last − t_send of the good ones
	late    []time.Duration // t_send − t_sched of what was sent
	span    time.Duration
	length  time.Duration
	items   int            // of the good answers
	failed  map[string]int // requests by how they failed
	rate    unit.Name
	texts   texts
	absent  bool // users of a closed loop sent nothing in a window: who did is no measure of all
}

// AbsentUsers is why a rate is not published then.
const AbsentUsers = "fewer requests than users in the window"

func pool(windows []Window) sample {
	var p sample
	for _, w := range windows {
		p.open, p.rate, p.texts.asked = w.Open, w.Rate, w.Texts
		p.length += w.Length
		p.span += span(w)
		p.issued += len(w.Records)
		p.absent = p.absent || !w.Open && len(w.Records) < w.Conns
		for _, r := range byIssue(w.Records) {
			p.add(r, w)
		}
	}
	return p
}

func (p *sample) add(r record.Record, w Window) {
	if r.Outcome == record.Dropped {
		p.dropped++
		p.fail(r)
		return
	}
	p.late = append(p.late, r.Sent-r.Intended)
	if r.Outcome != record.Good {
		p.fail(r)
		return
	}
	p.good = append(p.good, latency(r, w.Open))
	p.service = append(p.service, r.Last-r.Sent)
	p.texts.add(r, w.Open)
	if w.Items != nil {
		p.items += w.Items(r.Seq)
	}
}

func (p *sample) fail(r record.Record) {
	if p.failed == nil {
		p.failed = map[string]int{}
	}
	p.failed[r.Kind()]++
}

// recorded are the raw series that a trial keeps.
func (p *sample) recorded() map[unit.Series][]time.Duration {
	out := map[unit.Series][]time.Duration{}
	for _, s := range unit.Recorded() {
		raw := p.texts.raw[s]
		if s == unit.Response {
			raw = p.good
		}
		if len(raw) > 0 {
			out[s] = raw
		}
	}
	return out
}

// latency is the response time of a good answer. An open loop counts from the
// intended start, so that a request that had to wait for a stalled server's
// connection shows that wait.
func latency(r record.Record, open bool) time.Duration {
	if open {
		return r.Last - r.Intended
	}
	return r.Last - r.Sent
}

// byIssue returns the records in the order in which they were due.
func byIssue(records []record.Record) []record.Record {
	due := func(a, b record.Record) int { return cmp.Compare(a.Intended, b.Intended) }
	if slices.IsSortedFunc(records, due) {
		return records
	}
	sorted := slices.Clone(records)
	slices.SortStableFunc(sorted, due)
	return sorted
}

// requests measures all that the records alone say.
func (p *sample) requests(l *ledger) {
	failed := p.issued - len(p.good)
	p.throughput(l)
	l.rank(unit.Response, p.good, failed)
	if p.open {
		l.rank(unit.Lateness, p.late, 0)
	}
	p.texts.absent = p.absent
	p.texts.measure(l, p.issued, len(p.good), p.span)
}

// throughput measures the units that divide by the issue span.
func (p *sample) throughput(l *ledger) {
	units := []unit.Name{unit.NsPerOp, unit.Rps, unit.OKPercent}
	if p.rate != "" {
		units = append(units, p.rate)
	}
	reason := ""
	switch {
	case p.issued == 0:
		reason = "no request was issued"
	case len(p.good) == 0:
		reason = "no good answer"
	}
	if reason != "" {
		for _, u := range units {
			l.withhold(u, reason)
		}
		return
	}
	good, seconds := float64(len(p.good)), p.span.Seconds()
	if p.absent {
		for _, u := range units {
			if u != unit.OKPercent {
				l.withhold(u, AbsentUsers)
			}
		}
		l.put(unit.OKPercent, 100*good/float64(p.issued))
		return
	}
	l.put(unit.NsPerOp, float64(p.span.Nanoseconds())/good)
	l.put(unit.Rps, good/seconds)
	l.put(unit.OKPercent, 100*good/float64(p.issued))
	if p.rate != "" {
		l.put(p.rate, float64(p.items)/seconds)
	}
}

// inOrder sorts what was measured by the table of units.
func inOrder(l ledger) ([]Metric, []Withheld) {
	place := map[unit.Name]int{}
	for i, u := range unit.All() {
		place[u.Name] = i
	}
	slices.SortStableFunc(l.metrics, func(a, b Metric) int { return place[a.Unit] - place[b.Unit] })
	slices.SortStableFunc(l.withheld, func(a, b Withheld) int { return place[a.Unit] - place[b.Unit] })
	return l.metrics, l.withheld
}

// milliseconds of a duration, exact to the nanosecond.
func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}

// finite reports whether v can be printed and compared.
func finite(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0)
}
