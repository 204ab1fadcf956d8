package selftest

import (
	"context"
	"fmt"
	"math"
	"time"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/unit"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
)

const (
	ms = time.Millisecond

	warmup  = 300 * ms
	timeout = 10 * time.Second
	kept    = 64 << 20 // bytes: all answers, since each says its own truth
	delay   = 20 * ms
	tokens  = 6 // of a stream
)

// atOnce is the script whose server answers at once, at a rate: what is late
// there is the client.
const atOnce = "late"

// script is a server's, the load on it, and what must be found.
type script struct {
	name, about string
	order       fake.Order
	plan        load.Plan
	stream      bool
	failing     int // every so manieth request fails; 0: none
	units       []bounded
}

// bounded is a unit and how far it may be from the truth: by a share of it, or
// by a little and the way to the server and back, whichever is more.
type bounded struct {
	unit  unit.Name
	share float64 // of the truth
	least float64 // in the unit, beside the way
	most  float64 // of these two, however long the way is
}

func (b bounded) bound(want, way float64) float64 {
	little := min(b.least+way, b.most)
	if math.IsInf(want, 1) {
		return little
	}
	return max(b.share*want, little)
}

// What the client must keep to. Users are few: those that come in step wait for
// each other's answers to be written and read, 30 µs each on one core. Every
// scripted delay is 20 ms or more, so that an error of 5 % is outside of each bound.
func middle(u unit.Name) bounded { return bounded{u, 0.01, middleLeast, middleMost} }
func tail(u unit.Name) bounded   { return bounded{u, 0.02, tailLeast, tailMost} }
func rate(u unit.Name) bounded   { return bounded{u, 0.01, 0, 0} }

// In ms.
const (
	middleLeast, middleMost = 0.1, 0.5
	tailLeast, tailMost     = 0.5, 0.8
)

// lateLimit is the lateness of sends over which a window is invalid.
const lateLimit = 1.0 // ms

// body says when its request had arrived and when it was written.
const body = `{"arrived":` + fake.Arrival + `,"written":` + fake.Stamp + `}`

func instant() fake.Script { return fake.Script{Body: []byte(body)} }

func closed(users int, window time.Duration) load.Plan {
	return load.Plan{Conns: users, Warmup: warmup, Window: window, Timeout: timeout, Keep: kept}
}

func open(rate float64, window time.Duration) load.Plan {
	p := closed(128, window)
	p.Arrivals, p.Queue = load.Arrivals{Rate: rate}, 1<<12
	return p
}

func (l Lab) scripts() []script {
	second := func(n time.Duration) time.Duration { return l.window(n * time.Second) }
	usual := []bounded{middle(unit.P50), tail(unit.P95), tail(unit.P99), rate(unit.Rps), rate(unit.OKPercent)}
	answers := func(s fake.Script) fake.Order {
		s.Body = []byte(body)
		return fake.Order{HTTP: &s}
	}
	return []script{
		{
			name: "constant", about: "4 users of a server that takes 20 ms", units: usual,
			order: answers(fake.Script{Delay: delay}), plan: closed(4, second(4)),
		},
		{
			name: "bimodal", about: "5 users of a server that takes 20 ms, and 60 ms every fourth time", units: usual,
			order: answers(fake.Script{Delays: []time.Duration{delay, delay, delay, 3 * delay}}), plan: closed(5, second(5)),
		},
		{
			name: "stall", about: "250 requests a second on a server that stops for a tenth of the window", units: usual,
			order: answers(fake.Script{Delay: delay, Stall: fake.Stall{At: warmup + second(1), For: second(4) / 10}}), plan: open(250, second(4)),
		},
		{
			name: "stream", about: "5 users of a server that streams a token every 20 ms", stream: true,
			units: []bounded{middle(unit.TTFT), tail(unit.TTFTP95), middle(unit.ITL), tail(unit.ChunkGapP99), rate(unit.TokPerS)},
			order: fake.Order{Play: stream()}, plan: closed(5, second(5)),
		},
		{
			name: "failures", about: "4 users of a server that closes the connection every tenth time", failing: 10,
			units: []bounded{middle(unit.P50), tail(unit.P95), rate(unit.Rps), rate(unit.OKPercent)},
			order: answers(fake.Script{Delay: delay, Fault: fake.Fault{Kind: fake.Drop, Every: 10}}), plan: closed(4, second(3)),
		},
		{
			name: atOnce, about: "1500 requests a second on a server that answers at once",
			units: []bounded{{unit.LateP99, 0, lateLimit, lateLimit}},
			order: answers(fake.Script{}), plan: open(1500, second(2)),
		},
	}
}

// stream is a completion of so many tokens, the first after the delay.
func stream() *fake.Timeline {
	t := &fake.Timeline{Header: []string{"Content-Type: text/event-stream"}, Framing: fake.Chunked, EndAt: tokens * delay}
	for i := range tokens {
		event := fmt.Sprintf("data: {\"id\":\"%s %s\",\"choices\":[{\"index\":0,\"text\":\" word\"}]}\n\n", fake.Arrival, fake.Stamp)
		t.Parts = append(t.Parts, fake.Part{At: time.Duration(i+1) * delay, Bytes: []byte(event)})
	}
	last := fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", tokens)
	t.Parts = append(t.Parts, fake.Part{At: tokens * delay, Bytes: []byte(last)})
	return t
}

// target reaches the script's server as a benchmark would.
func (s script) target(addr string) (load.Target, error) {
	if !s.stream {
		t, err := http1.NewTarget(addr, []http1.Request{{Method: "POST", Path: "/", Body: []byte(`{"inputs":"what a user would send"}`)}})
		return target{t}, err
	}
	r, err := openai.EncodeCompletion(generation.Prompt{Model: "selftest", Text: "a", Tokens: tokens}, openai.Stream)
	if err != nil {
		return nil, err
	}
	t, err := http1.NewStreamingTarget(addr, []http1.Request{r}, openai.CompletionEvents())
	return target{t}, err
}

type target struct{ *http1.Target }

func (t target) Dial(ctx context.Context) (load.Conn, error) { return t.Target.Dial(ctx) }

// window is what the script's load left, as it is measured.
func (s script) window(res load.Result) meter.Window {
	w := meter.Window{Open: s.plan.Arrivals.Rate > 0, Records: res.Records, Length: res.Window}
	if !w.Open {
		w.Conns = s.plan.Conns
	}
	if s.stream {
		w.Texts = &meter.Generation{Stream: true}
	}
	return w
}
