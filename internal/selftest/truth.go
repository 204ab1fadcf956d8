package selftest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/unit"
)

// answer is one answer by its server's clock.
type answer struct {
	arrived time.Time
	written []time.Time // of each chunk, or of the whole
	due     time.Time   // by the plan's own arithmetic; zero in a closed loop
}

// truth is what a script's figures must be. Nothing of it is the client's: the
// times are the server's, what was due is the plan's, and the ranks are taken
// here and not by the meter.
type truth struct {
	script   script
	answers  []answer
	arrivals []time.Time
}

// read takes the server's times out of the answers.
func read(s script, res load.Result, arrivals []time.Time) (truth, error) {
	t := truth{script: s, arrivals: within(res, arrivals)}
	for _, r := range res.Records {
		if r.Outcome != record.Good {
			continue
		}
		if r.Answer == nil {
			return t, fmt.Errorf("the answer to request %d was not kept", r.Seq)
		}
		a, err := parse(r.Answer.Body)
		if err != nil {
			return t, fmt.Errorf("the answer to request %d: %w", r.Seq, err)
		}
		if rate := s.plan.Arrivals.Rate; rate > 0 {
			a.due = res.Opened.Add(time.Duration(float64(r.Seq)*1e9/rate) - s.plan.Warmup)
		}
		t.answers = append(t.answers, a)
	}
	if len(t.answers) == 0 {
		return t, fmt.Errorf("no good answer in %d requests", len(res.Records))
	}
	return t, nil
}

// within are the arrivals while the window was open.
func within(res load.Result, arrivals []time.Time) []time.Time {
	end := res.Opened.Add(res.Window)
	return slices.DeleteFunc(slices.Clone(arrivals), func(at time.Time) bool {
		return at.UnixNano() < res.Opened.UnixNano() || at.UnixNano() > end.UnixNano()
	})
}

// parse finds the times in an answer: pairs of arrival and writing.
func parse(body []byte) (answer, error) {
	var a answer
	for len(body) > 0 {
		at := bytes.IndexFunc(body, func(r rune) bool { return r >= '0' && r <= '9' })
		if at < 0 {
			break
		}
		body = body[at:]
		n := bytes.IndexFunc(body, func(r rune) bool { return r < '0' || r > '9' })
		if n < 0 {
			n = len(body)
		}
		digits := body[:n]
		if body = body[n:]; len(digits) != len(fake.Stamp) {
			continue // a count, not a time
		}
		ns, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			return a, err
		}
		if when := time.Unix(0, ns); a.arrived.IsZero() {
			a.arrived = when
		} else if !when.Equal(a.arrived) || len(a.written) == 0 {
			a.written = append(a.written, when)
		}
	}
	if a.arrived.IsZero() || len(a.written) == 0 {
		return a, fmt.Errorf("it does not hold its server's times")
	}
	return a, nil
}

// of is a unit's true value, and the size of the sample that it is of. +∞ is a
// percentile that falls on a failure.
func (t truth) of(u unit.Name) (v float64, n int) {
	failed := 0
	if t.script.failing > 0 { // every so manieth, by the script
		failed = len(t.answers) / (t.script.failing - 1)
	}
	switch u {
	case unit.P50:
		return ranked(t.each(answer.response), failed, 50)
	case unit.P95:
		return ranked(t.each(answer.response), failed, 95)
	case unit.P99:
		return ranked(t.each(answer.response), failed, 99)
	case unit.TTFT:
		return ranked(t.each(answer.first), failed, 50)
	case unit.TTFTP95:
		return ranked(t.each(answer.first), failed, 95)
	case unit.ITL:
		return ranked(t.each(answer.token), failed, 50)
	case unit.ChunkGapP99:
		return ranked(t.gaps(), failed, 99)
	case unit.Rps:
		return t.rate() * t.good(), len(t.answers)
	case unit.TokPerS:
		return t.rate() * tokens, len(t.answers)
	case unit.OKPercent:
		return 100 * t.good(), len(t.answers)
	}
	return 0, len(t.answers) // late-p99-ms: never late
}

func (t truth) each(of func(answer) float64) []float64 {
	var out []float64
	for _, a := range t.answers {
		out = append(out, of(a))
	}
	return out
}

// response is from when the request was due, or had arrived, to the last byte.
func (a answer) response() float64 {
	from := a.arrived
	if !a.due.IsZero() {
		from = a.due
	}
	return inMS(a.written[len(a.written)-1].Sub(from))
}

func (a answer) first() float64 { return inMS(a.written[0].Sub(a.arrived)) }

func (a answer) token() float64 {
	return inMS(a.written[len(a.written)-1].Sub(a.written[0])) / float64(len(a.written)-1)
}

func (t truth) gaps() []float64 {
	var out []float64
	for _, a := range t.answers {
		for i, at := range a.written[1:] {
			out = append(out, inMS(at.Sub(a.written[i])))
		}
	}
	return out
}

// good is the share of good answers, by the script.
func (t truth) good() float64 {
	if t.script.failing == 0 {
		return 1
	}
	return 1 - 1/float64(t.script.failing)
}

// rate is of arrivals a second, by the server's clock. Users of a closed loop
// may come in step, so the time is the mean over them from each one's first
// arrival to the one after its last.
func (t truth) rate() float64 {
	users := 1
	if t.script.plan.Arrivals.Rate == 0 {
		users = t.script.plan.Conns
	}
	n := len(t.arrivals)
	if n <= users {
		return math.NaN()
	}
	var span time.Duration
	for u := range users {
		span += t.arrivals[n-users+u].Sub(t.arrivals[u])
	}
	return float64(n-users) / (span.Seconds() / float64(users))
}

// ranked is the smallest value that per % of the sample do not exceed, failures
// standing above all.
func ranked(values []float64, failed, per int) (float64, int) {
	slices.Sort(values)
	n := len(values) + failed
	at := int(math.Ceil(float64(n)*float64(per)/100-1e-9)) - 1
	if at >= len(values) {
		return math.Inf(1), n
	}
	return values[max(at, 0)], n
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
