package meter

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
	"stackbench/internal/unit"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// good is a request of a closed loop that took took.
func good(sent, took time.Duration) record.Record {
	return record.Record{Intended: sent, Sent: sent, First: sent + took, Last: sent + took, Done: sent + took}
}

// each is a plan whose requests all carry n items.
func each(n int) func(int) int { return func(int) int { return n } }

func failed(sent, took time.Duration, o record.Outcome) record.Record {
	return record.Record{Intended: sent, Sent: sent, Done: sent + took, Outcome: o}
}

// closed is a closed loop of users whose requests all take took.
func closed(users int, took, length time.Duration) Window {
	w := Window{Length: length, Conns: users, Items: each(1)}
	for u := range users {
		// Users are out of step, as the warm-up leaves them.
		for at := took * time.Duration(u) / time.Duration(users); at < length; at += took {
			w.Records = append(w.Records, good(at, took))
		}
	}
	return w
}

// open is an open loop with a request every gap, sent late by late.
func open(n int, gap, late, took time.Duration) Window {
	w := Window{Open: true, Length: gap * time.Duration(n), Items: each(1)}
	for i := range n {
		r := good(gap*time.Duration(i)+late, took)
		r.Intended -= late
		w.Records = append(w.Records, r)
	}
	return w
}

func value(t *testing.T, s Summary, u unit.Name) float64 {
	t.Helper()
	v, ok := s.Value(u)
	require.True(t, ok, "%s is withheld: %v", u, s.Withheld)
	return v
}

func reason(s Summary, u unit.Name) string {
	for _, w := range s.Withheld {
		if w.Unit == u {
			return w.Reason
		}
	}
	return ""
}

func TestClosedLoop(t *testing.T) {
	w := closed(4, 20*ms, 10*sec)
	w.Items, w.Rate = each(8), "img/s"
	s := Summarise([]Window{w}, Evidence{})
	require.Equal(t, 2000, s.Issued)
	require.InDelta(t, 200, value(t, s, "rps"), 1e-9)
	require.InDelta(t, 1600, value(t, s, "img/s"), 1e-9)
	require.InDelta(t, 5e6, value(t, s, "ns/op"), 1e-3)
	require.InDelta(t, 20, value(t, s, "p50-ms"), 1e-9)
	require.InDelta(t, 20, value(t, s, "p99-ms"), 1e-9)
	require.InDelta(t, 100, value(t, s, "ok-%"), 0)
	require.Equal(t, IsSteady, s.Steady.Verdict)
	require.Empty(t, s.Invalid)
	require.Empty(t, reason(s, "late-p99-ms"), "a closed loop has no lateness to withhold")
}

func TestIssueSpan(t *testing.T) {
	check := func(name string, w Window, wantRPS float64) {
		t.Helper()
		require.InEpsilon(t, wantRPS, value(t, Summarise([]Window{w}, Evidence{}), "rps"), 1e-6, name)
	}
	check("two requests of 2 s in 3 s", Window{Length: 3 * sec, Conns: 1, Records: []record.Record{good(0, 2*sec), good(2*sec, 2*sec)}}, 0.5)
	check("one request longer than the window", Window{Length: 3 * sec, Conns: 1, Records: []record.Record{good(0, 4*sec)}}, 0.25)
	check("a user who is still busy with the warm-up at the opening",
		Window{Length: 3 * sec, Conns: 2, Records: []record.Record{good(0, 2*sec), good(1*sec, 2*sec), good(2*sec, 2*sec)}}, 3/3.0)
	check("a user stuck in the warm-up for the whole window does not halve the span",
		Window{Length: 3 * sec, Conns: 2, Records: []record.Record{good(0, 1*sec), good(1*sec, 1*sec), good(2*sec, 1*sec)}}, 1)
	check("pauses between requests are the client's, and count",
		Window{Length: 2 * sec, Conns: 1, Records: []record.Record{good(0, 500*ms), good(1*sec, 500*ms)}}, 2/1.5)
	check("a stall at the end counts in full",
		Window{Length: 2 * sec, Conns: 1, Records: []record.Record{good(0, 1*sec), good(1*sec, 3*sec)}}, 0.5)
	check("a time limit that runs on after the closing does not",
		Window{Length: 2 * sec, Conns: 1, Records: []record.Record{good(0, 1*sec), failed(1*sec, 30*sec, record.Timeout)}}, 0.5)
	check("an end stamped a moment after the next send",
		Window{Length: 2 * sec, Conns: 1, Records: []record.Record{good(0, 1*sec+1), good(1*sec, 1*sec)}}, 1)
	check("an unknown number of users is found", Window{Length: 2 * sec, Records: closed(4, 500*ms, 2*sec).Records}, 8)
	check("an open loop is issued for the whole window", Window{Open: true, Length: 4 * sec, Records: []record.Record{good(0, 9*sec), good(2*sec, 9*sec)}}, 0.5)
}

func TestFailuresArePlusInfinity(t *testing.T) {
	w := closed(1, 10*ms, 2*sec) // 200 requests
	for i := range 9 {
		w.Records[i*20].Outcome = record.Status
	}
	s := Summarise([]Window{w}, Evidence{})
	require.InDelta(t, 10, value(t, s, "p95-ms"), 1e-9, "rank 190 of 191 good ones")
	require.InDelta(t, 95.5, value(t, s, "ok-%"), 1e-9)
	require.InDelta(t, 95.5, value(t, s, "rps"), 1e-9)

	for i := range 2 {
		w.Records[i*20+1].Outcome = record.Cut
	}
	s = Summarise([]Window{w}, Evidence{})
	require.Contains(t, reason(s, "p95-ms"), "failed request", "rank 190 of 189 good ones")
	require.InDelta(t, 10, value(t, s, "p50-ms"), 1e-9)
	require.Equal(t, "11 of 200 requests failed, over 1 %: 2 × cut, 9 × status", s.Invalid[0].Text)
}

func TestSampleFloors(t *testing.T) {
	for _, c := range []struct {
		unit  unit.Name
		needs int
	}{{"p50-ms", 11}, {"p95-ms", 130}, {"p99-ms", 662}} {
		w := closed(1, 10*ms, 10*ms*time.Duration(c.needs))
		require.InDelta(t, 10, value(t, Summarise([]Window{w}, Evidence{}), c.unit), 1e-9)
		w.Records = w.Records[1:]
		require.Contains(t, reason(Summarise([]Window{w}, Evidence{}), c.unit), "fewer than")
	}
	w := open(661, 10*ms, 100*time.Microsecond, 5*ms)
	require.Equal(t, "fewer than 662 requests", reason(Summarise([]Window{w}, Evidence{}), "late-p99-ms"))
}

func TestWindowsArePooledNotAveraged(t *testing.T) {
	fast, slow := closed(1, 10*ms, 1*sec), closed(1, 100*ms, 1*sec)
	s := Summarise([]Window{fast, slow}, Evidence{})
	require.Equal(t, 110, s.Issued)
	require.InDelta(t, 10, value(t, s, "p50-ms"), 1e-9, "55 of 110 are fast; the mean of medians would be 55")
	require.InDelta(t, 55, value(t, s, "rps"), 1e-9)
	require.Len(t, s.Raw[unit.Response], 110)
}

func TestOpenLoopCountsFromTheSchedule(t *testing.T) {
	w := open(1000, 10*ms, 3*ms, 5*ms)
	s := Summarise([]Window{w}, Evidence{})
	require.InDelta(t, 8, value(t, s, "p99-ms"), 1e-9)
	require.InDelta(t, 3, value(t, s, "late-p99-ms"), 1e-9)
	require.InDelta(t, 100, value(t, s, "rps"), 1e-9)
	require.Equal(t, []Reason{{RuleLate, "1000 of 1000 sends were over 1.00 ms late, by up to 3.00 ms: of all sends, at least 99.6 %, over 1 %"}}, s.Invalid)

	w = open(1000, 200*ms, 3*ms, 100*ms) // the limit is 5 % of 100 ms
	require.Empty(t, Summarise([]Window{w}, Evidence{}).Invalid)
}

func TestDroppedArrivals(t *testing.T) {
	w := open(1000, 10*ms, 0, 5*ms)
	w.Records[10] = record.Record{Intended: w.Records[10].Intended, Outcome: record.Dropped}
	s := Summarise([]Window{w}, Evidence{})
	require.Equal(t, "1 of 1000 arrivals were dropped: the client's queue was full", s.Invalid[0].Text)
	require.InDelta(t, 99.9, value(t, s, "ok-%"), 1e-9)
	require.Len(t, s.Invalid, 1, "one in a thousand is under the failure rule")
}

func TestNothingGood(t *testing.T) {
	w := Window{Length: sec, Conns: 1, Records: []record.Record{failed(0, ms, record.Refused)}}
	s := Summarise([]Window{w}, Evidence{})
	require.Empty(t, s.Metrics)
	require.Equal(t, "no good answer", reason(s, "ok-%"))
	require.Equal(t, RuleFailed, s.Invalid[0].Rule)

	s = Summarise([]Window{{Length: sec, Conns: 1}}, Evidence{})
	require.Empty(t, s.Metrics)
	require.Equal(t, "no request was issued", reason(s, "rps"))
	require.Equal(t, "no request was issued", s.Invalid[0].Text)
	require.Empty(t, Summarise(nil, Evidence{}).Metrics)
}

func TestEvidence(t *testing.T) {
	w := closed(2, 10*ms, 5*sec)
	waiting, util := 1.5, 42.0
	e := Evidence{
		Stack:     &StackUse{CPU: 4 * sec, Cores: 1, Peak: 412_000_000},
		Client:    &ClientUse{CPU: 3500 * ms, Cores: 1},
		GPU:       &GPUUse{Util: &util, Peak: 2_000_000_000, Joules: 500},
		Telemetry: Telemetry{Executions: &Executions{Items: 1000, Runs: 250, Largest: 7, Max: 8}, Waiting: &waiting, Stages: []Stage{{"queue", 3 * ms}, {"compute", 4 * ms}}},
		Footprint: &Footprint{Peak: 300_000_000, Idle: 250_000_000},
		Ready:     2500 * ms,
		Answers:   &Answers{Reason: "3 of 120 disagree"},
	}
	s := Summarise([]Window{w}, e)
	for unit, want := range map[unit.Name]float64{
		"cpu-util": 80, "mem-MB": 412, "client-cpu-%": 70, "gpu-util": 42, "gpu-mem-MB": 2000, "J/answer": 0.5,
		"batch-mean": 4, "batch-eff": 50, "mem-per-1k-emb-MB": 50, "ready-s": 2.5,
		"max-batch": 7, "queue-depth": 1.5, "queue-ms": 3,
	} {
		require.InDelta(t, want, value(t, s, unit), 1e-9, unit)
	}
	require.Equal(t, []Reason{
		{RuleClientCPU, "the client used 70 % of its cores, over 60 %"},
		{RuleAnswers, "answers: 3 of 120 disagree"},
	}, s.Invalid)
}

func TestUnusableEvidenceIsWithheldWithItsReason(t *testing.T) {
	e := Evidence{
		Stack:     &StackUse{CPU: sec},
		Client:    &ClientUse{CPU: sec},
		GPU:       &GPUUse{},
		Telemetry: Telemetry{Executions: &Executions{Items: 8, Runs: 1}},
		Footprint: &Footprint{Peak: 1, Idle: 2},
	}
	s := Summarise([]Window{closed(1, 10*ms, sec)}, e)
	for unit, want := range map[unit.Name]string{
		"cpu-util": "infinite", "gpu-util": "the driver does not tell", "gpu-mem-MB": "the driver does not tell", "J/answer": "no energy counter", "J/item": "no energy counter",
		"batch-eff": "no largest batch was asked of the stack's batcher", "mem-per-1k-emb-MB": "no more memory than when idle",
	} {
		require.Equal(t, want, reason(s, unit), unit)
	}
	require.Equal(t, RuleClientCPU, s.Invalid[0].Rule, "an unknown client share cannot be called fine")
}

func TestOnlyPrintableValuesArePublished(t *testing.T) {
	var l ledger
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), -1, 1e-9} {
		l.put("rps", v)
	}
	require.Empty(t, l.metrics)
	require.Len(t, l.withheld, 7)
	l.put("rps", 1e-6)
	require.Len(t, l.metrics, 1)
}

// TestADeadWorkerIsNoValidWindow: one failure in a thousand would pass.
func TestADeadWorkerIsNoValidWindow(t *testing.T) {
	w := open(1000, 10*ms, 0, 5*ms)
	w.Records[10].Outcome = record.Status
	require.Empty(t, Summarise([]Window{w}, Evidence{}).Invalid)
	s := Summarise([]Window{w}, Evidence{Telemetry: Telemetry{Restarted: true}})
	require.Len(t, s.Invalid, 1)
	require.Equal(t, RuleRestarted, s.Invalid[0].Rule)
	require.Contains(t, s.Invalid[0].Text, "a worker of the server died in the window")
}
