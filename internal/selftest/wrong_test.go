package selftest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/unit"
)

// way is what the loopback takes there, and back again.
const way = 40 * time.Microsecond

// world plays a script in arithmetic: the server's stamps are exact, and the
// client's are what a true client would see of them.
type world struct {
	script   script
	opened   time.Time
	free     []time.Duration // when each user sends next, since the window's opening
	arrivals []time.Time
	records  []record.Record
}

func play(s script) (load.Result, []time.Time) {
	w := &world{script: s, opened: time.Unix(1_800_000_000, 0)}
	if rate := s.plan.Arrivals.Rate; rate > 0 {
		for seq := 0; ; seq++ {
			due := time.Duration(float64(seq)*1e9/rate) - s.plan.Warmup
			if due >= s.plan.Window {
				break
			}
			w.request(seq, due, due+20*time.Microsecond)
		}
	} else {
		for u := range s.plan.Conns {
			w.free = append(w.free, time.Duration(u)*37*time.Microsecond-s.plan.Warmup)
		}
		for seq := 0; ; seq++ {
			u := slices.Index(w.free, slices.Min(w.free))
			if w.free[u] >= s.plan.Window {
				break
			}
			w.free[u] = w.request(seq, w.free[u], w.free[u]) + 10*time.Microsecond
		}
	}
	slices.SortFunc(w.arrivals, time.Time.Compare)
	return load.Result{Opened: w.opened, Window: s.plan.Window, Records: w.records}, w.arrivals
}

// request is one, and gives when its user is free again.
func (w *world) request(seq int, due, sent time.Duration) time.Duration {
	arrived := sent + way
	w.arrivals = append(w.arrivals, w.opened.Add(arrived))
	r := record.Record{Seq: seq, Intended: due, Sent: sent}
	end := w.serve(&r, arrived)
	if due >= 0 {
		w.records = append(w.records, r)
	}
	return end
}

func (w *world) serve(r *record.Record, arrived time.Duration) time.Duration {
	stamp := func(d time.Duration) string { return fmt.Sprintf("%d", w.opened.Add(d).UnixNano()) }
	if p := w.script.order.Play; p != nil {
		body := ""
		r.Output = &record.Output{Tokens: tokens}
		for i := range tokens {
			at := arrived + p.Parts[i].At
			body += stamp(arrived) + " " + stamp(at) + "\n"
			r.Output.Chunks = append(r.Output.Chunks, at+way-r.Sent)
			r.Last = at + way
		}
		r.First, r.Done, r.Answer = r.Sent+r.Output.Chunks[0], r.Last, &record.Answer{Body: []byte(body + "6 tokens")}
		return r.Last
	}
	s := w.script.order.HTTP
	takes := s.Delay
	if len(s.Delays) > 0 {
		takes = s.Delays[len(w.arrivals)%len(s.Delays)]
	}
	if first := w.arrivals[0].Sub(w.opened); s.Stall.For > 0 && arrived >= first+s.Stall.At && arrived < first+s.Stall.At+s.Stall.For {
		takes += first + s.Stall.At + s.Stall.For - arrived
	}
	written := arrived + takes
	r.First, r.Last, r.Done = written+way, written+way, written+way
	if s.Fault.Kind != fake.None && len(w.arrivals)%s.Fault.Every == 0 {
		r.Outcome = record.Cut
		return r.Done + 10*time.Millisecond
	}
	r.Answer = &record.Answer{Body: []byte(`{"arrived":` + stamp(arrived) + `,"written":` + stamp(written) + `}`)}
	return r.Done
}

func lab(s Summarise) Lab { return Lab{Summarise: s, Say: func(string, ...any) {}} }

// faults judges a world as it is measured, with something done to it.
func faults(t *testing.T, s script, by Summarise, change func(*load.Result)) (checks []Check, wrong []unit.Name) {
	t.Helper()
	res, arrivals := play(s)
	if change != nil {
		change(&res)
	}
	checks, err := lab(by).judge(s, res, arrivals, inMS(2*way))
	require.NoError(t, err)
	for _, c := range checks {
		if c.Why != "" {
			wrong = append(wrong, c.Unit)
		}
	}
	return checks, wrong
}

func named(t *testing.T, name string) script {
	t.Helper()
	all := lab(nil).scripts()
	i := slices.IndexFunc(all, func(s script) bool { return s.name == name })
	require.GreaterOrEqual(t, i, 0)
	return all[i]
}

func TestATrueMeterPasses(t *testing.T) {
	for _, s := range lab(nil).scripts() {
		checks, wrong := faults(t, s, meter.Summarise, nil)
		require.Empty(t, wrong, "%s: %+v", s.name, checks)
		require.Len(t, checks, len(s.units), s.name)
	}
}

// TestAnErrorOfFivePercentIsNoticed, whichever the unit and whichever the way,
// in every script that judges it.
func TestAnErrorOfFivePercentIsNoticed(t *testing.T) {
	judged := map[unit.Name]bool{}
	for _, s := range lab(nil).scripts() {
		for _, b := range s.units {
			if want, _ := faults(t, s, meter.Summarise, nil); b.unit == unit.LateP99 || math.IsInf(find(want, b.unit).True, 1) {
				continue
			}
			judged[b.unit] = true
			for _, factor := range []float64{0.95, 1.05} {
				_, wrong := faults(t, s, scaled(b.unit, factor), nil)
				require.Equal(t, []unit.Name{b.unit}, wrong, "%s × %v", s.name, factor)
			}
		}
	}
	for _, u := range []unit.Name{"p50-ms", "p95-ms", "p99-ms", "rps", "ok-%", "ttft-ms", "ttft-p95-ms", "itl-ms", "chunk-gap-p99-ms", "tok/s"} {
		require.True(t, judged[u], u)
	}
}

func find(checks []Check, u unit.Name) Check {
	return checks[slices.IndexFunc(checks, func(c Check) bool { return c.Unit == u })]
}

// scaled is a meter that is off in one unit.
func scaled(u unit.Name, by float64) Summarise {
	return func(w []meter.Window, e meter.Evidence) meter.Summary {
		s := meter.Summarise(w, e)
		for i, m := range s.Metrics {
			if m.Unit == u {
				s.Metrics[i].Value *= by
			}
		}
		return s
	}
}

// TestFaultsOfClientsAreNoticed: not of a figure, but of what clients do wrong.
func TestFaultsOfClientsAreNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		change func(*load.Result)
		want   []unit.Name
	}{
		"it counts from the send and so omits what a stall kept back": {"stall", func(r *load.Result) {
			for i := range r.Records { // the next is sent when the last came back
				rec := &r.Records[i]
				rec.Intended = max(rec.Intended, rec.Last-delay)
			}
		}, []unit.Name{"p95-ms", "p99-ms"}},
		"it forgets failures": {"failures", func(r *load.Result) {
			r.Records = slices.DeleteFunc(r.Records, func(rec record.Record) bool { return rec.Outcome != record.Good })
		}, []unit.Name{"p95-ms", "ok-%"}},
		"its clock runs 5 % fast": {"constant", func(r *load.Result) {
			for i := range r.Records {
				r.Records[i].Last = r.Records[i].Sent + (r.Records[i].Last-r.Records[i].Sent)*105/100
			}
		}, []unit.Name{"p50-ms", "p95-ms", "p99-ms"}},
		"it loses one answer in twenty": {"constant", func(r *load.Result) {
			r.Records = slices.DeleteFunc(r.Records, func(rec record.Record) bool { return rec.Seq%20 == 0 })
		}, nil}, // judged below: of a rate, by the pauses that are left
		"it takes the head of a stream for its first token": {"stream", func(r *load.Result) {
			for i := range r.Records {
				r.Records[i].First -= delay
			}
		}, []unit.Name{"ttft-ms", "ttft-p95-ms"}},
		"it is late": {atOnce, func(r *load.Result) {
			for i := range r.Records {
				if i%50 == 0 {
					r.Records[i].Sent += 2 * time.Millisecond
				}
			}
		}, []unit.Name{unit.LateP99}},
	} {
		_, wrong := faults(t, named(t, c.script), meter.Summarise, c.change)
		if c.want == nil {
			require.Contains(t, wrong, unit.Rps, name)
			continue
		}
		for _, u := range c.want {
			require.Contains(t, wrong, u, name)
		}
	}
}

func TestAnswersWithoutTheirTimesAreNoTruth(t *testing.T) {
	s := named(t, "constant")
	for want, spoil := range map[string]func(*load.Result){
		"was not kept":                        func(r *load.Result) { r.Records[3].Answer = nil },
		"does not hold its server's times":    func(r *load.Result) { r.Records[3].Answer.Body = []byte("{}") },
		"no good answer in 0 requests":        func(r *load.Result) { r.Records = nil },
		"request 3: it does not hold its ser": func(r *load.Result) { r.Records[0].Seq, r.Records[0].Answer.Body = 3, []byte("12 1234567890123456789") },
	} {
		res, arrivals := play(s)
		spoil(&res)
		_, err := lab(meter.Summarise).judge(s, res, arrivals, inMS(2*way))
		require.ErrorContains(t, err, want)
	}
}

// TestShortWindowsJudgeWhatTheyCan leaves out what has too few requests.
func TestShortWindowsJudgeWhatTheyCan(t *testing.T) {
	l := lab(meter.Summarise)
	l.Short = true
	few := 0
	for _, s := range l.scripts() {
		res, arrivals := play(s)
		checks, err := l.judge(s, res, arrivals, inMS(2*way))
		require.NoError(t, err, s.name)
		few += len(s.units) - len(checks)
		for _, c := range checks {
			require.Empty(t, c.Why)
		}
	}
	require.Positive(t, few)
	s := named(t, "constant")
	res, arrivals := play(s)
	res.Records, s.units = res.Records[:5], s.units[:1]
	_, err := l.judge(s, res, arrivals, inMS(2*way))
	require.ErrorContains(t, err, "5 requests are too few")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"arrived":1800000000000000000,"written":1800000000020000000}`))
	f.Add([]byte("1800000000000000000 1800000000000000000 99999999999999999999"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parse(b)
		if err == nil {
			require.NotEmpty(t, a.written)
			require.False(t, a.arrived.IsZero())
		}
	})
}
