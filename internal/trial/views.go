package trial

import (
	"time"

	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/telemetry"
	"stackbench/internal/unit"
)

// views sets what the server says of its texts beside what was stamped here:
// two clocks that should agree but for the way between them. The server's are
// of what ended between the window's edges, so the client's are of the same.
func views(k taken) []results.View {
	own := k.obs.own
	if own == nil {
		return nil
	}
	var c clientView
	var length time.Duration
	for _, w := range k.windows {
		length += w.Length
		for _, r := range w.Records {
			c.add(r, w.Length)
		}
	}
	var out []results.View
	add := func(what string, server, client float64) {
		if server > 0 && client > 0 {
			out = append(out, results.View{What: what, Server: server, Client: client})
		}
	}
	add("ttft-mean-ms", meanMS(own.First), c.ttft.meanMS())
	add("itl-mean-ms", meanMS(own.Mean), c.itl.meanMS())
	add("e2e-mean-ms", meanMS(own.Whole), c.whole.meanMS())
	if own.Tokens != nil {
		tokens, _ := k.sum.Value(unit.TokPerS)
		add(string(unit.TokPerS), *own.Tokens/length.Seconds(), tokens)
	}
	return out
}

func meanMS(s *telemetry.Sum) float64 {
	if s == nil {
		return 0
	}
	return milliseconds(s.Mean())
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// clientView adds up what the server's histograms hold, each as of when the
// server observes it.
type clientView struct{ ttft, itl, whole mean }

type mean struct {
	sum time.Duration
	n   int
}

func (m *mean) add(d time.Duration) { m.sum, m.n = m.sum+d, m.n+1 }

func (m *mean) meanMS() float64 {
	if m.n == 0 {
		return 0
	}
	return milliseconds(m.sum) / float64(m.n)
}

func (c *clientView) add(r record.Record, window time.Duration) {
	if ttft, ok := meter.TTFT(r, false); ok && r.First <= window {
		c.ttft.add(ttft)
	}
	if r.Outcome != record.Good || r.Last > window {
		return
	}
	c.whole.add(r.Last - r.Sent)
	if itl, defined, _ := meter.ITL(r); defined {
		c.itl.add(itl)
	}
}
