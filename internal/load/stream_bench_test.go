//go:build linux

package load_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
)

// The benchmarks of streams: each stream has 100 tokens at 50 a second, in
// events of about 210 bytes as vLLM sends them, and streams begin evenly spread.
// As those of requests they hold this process to core 0 and the server to core
// 1. Of several interleaved rounds the best counts, as interference by other
// programs only adds.
//
//	go test -run '^$' -bench Stream -benchtime 1x ./internal/load
const (
	streamTokens = 100
	tokenGap     = 20 * ms
	streamTime   = streamTokens * tokenGap
	stampPrefix  = `"id":"cmpl-`
)

// tokenStream is such a stream. Each event's id is the time at which it was sent.
func tokenStream() *fake.Timeline {
	t := &fake.Timeline{Header: []string{"Content-Type: text/event-stream"}, Framing: fake.Chunked, EndAt: streamTime}
	for i := range streamTokens {
		event := `data: {` + stampPrefix + fake.Stamp + `","object":"text_completion","created":1795462361,"model":"gpt2","choices":[{"index":0,"text":" madu","logprobs":null,"finish_reason":null}],"usage":null,"service_tier":null}` + "\n\n"
		t.Parts = append(t.Parts, fake.Part{At: time.Duration(i+1) * tokenGap, Bytes: []byte(event)})
	}
	last := fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", streamTokens)
	t.Parts = append(t.Parts, fake.Part{At: streamTime, Bytes: []byte(last)})
	return t
}

// streams starts the server, and returns a target of our client and a raw one.
func streams(b *testing.B) (ours, raw *counted) {
	b.Helper()
	child, err := fake.Spawn(fake.Order{Play: tokenStream(), CPU: 1})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, child.Close()) })
	r, err := openai.EncodeCompletion(generation.Prompt{Model: "gpt2", Text: "a", Tokens: streamTokens}, openai.Stream)
	require.NoError(b, err)
	target, err := http1.NewStreamingTarget(child.Addr(), []http1.Request{r}, openai.CompletionEvents())
	require.NoError(b, err)
	return &counted{Target: lean{target}}, &counted{Target: rawStreams(child.Addr())}
}

// counted counts the answers of a target, those of the warm-up too.
type counted struct {
	load.Target
	answers atomic.Int64
}

func (c *counted) Dial(ctx context.Context) (load.Conn, error) {
	conn, err := c.Target.Dial(ctx)
	return countedConn{conn, c}, err
}

type countedConn struct {
	load.Conn
	of *counted
}

func (c countedConn) Do(ctx context.Context, seq int) record.Reply {
	r := c.Conn.Do(ctx, seq)
	c.of.answers.Add(1)
	return r
}

// rawStreams is the anchor: what any client must at least do with a stream's
// bytes, which is to read them and to notice the end.
type rawStreams string

func (r rawStreams) Dial(ctx context.Context) (load.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", string(r))
	return &rawStream{c, make([]byte, 4096)}, err
}

type rawStream struct {
	net.Conn
	buf []byte
}

func (r *rawStream) Do(ctx context.Context, _ int) record.Reply {
	deadline, _ := ctx.Deadline()
	if err := r.SetDeadline(deadline); err != nil {
		return record.Reply{Outcome: record.Cut, Err: err}
	}
	sent := time.Now()
	if _, err := r.Write(request); err != nil {
		return record.Reply{Outcome: record.Cut, Err: err}
	}
	for {
		n, err := r.Read(r.buf)
		if err != nil {
			return record.Reply{Outcome: record.Cut, Err: err}
		}
		if bytes.HasSuffix(r.buf[:n], []byte("0\r\n\r\n")) {
			now := time.Now()
			return record.Reply{Sent: sent, First: now, Last: now, Done: now}
		}
	}
}

// steady is a plan that keeps n streams under way.
func steady(n int, window time.Duration) load.Plan {
	return load.Plan{
		Arrivals: load.Arrivals{Rate: float64(n) / streamTime.Seconds()}, Conns: n + n/10, Queue: queue,
		Warmup: streamTime + 200*ms, Window: window, Timeout: 20 * time.Second, Keep: 8 << 20,
	}
}

// BenchmarkStreamCPU asks what a token costs the client in CPU time, at 250
// streams, against a client that only reads the bytes. Target: at most 1.15.
func BenchmarkStreamCPU(b *testing.B) {
	ours, raw := streams(b)
	alone(b)
	clock := load.SystemClock()
	defer func() { require.NoError(b, clock.Close()) }()
	cost := func(t *counted) float64 {
		t.answers.Store(0)
		before := cpuTime(b)
		window(b, steady(250, 1500*ms), t, clock)
		return (cpuTime(b) - before) * 1e6 / float64(t.answers.Load()*streamTokens)
	}
	var own, bare []float64
	for b.Loop() {
		for range 5 {
			bare = append(bare, cost(raw))
			own = append(own, cost(ours))
		}
	}
	b.ReportMetric(slices.Min(bare), "raw-µs/token")
	b.ReportMetric(slices.Min(own), "µs/token")
	b.ReportMetric(slices.Min(own)/slices.Min(bare), "x-raw")
	b.ReportMetric(median(own)/median(bare), "x-raw-median")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStreamStamps asks how much later than the server sent an event the
// client's stamp is. Targets for p99: 1 ms at 500 streams, 2 ms at 1,000.
func BenchmarkStreamStamps(b *testing.B) {
	for _, n := range []int{250, 500, 1000} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) {
			ours, _ := streams(b)
			alone(b)
			clock := load.SystemClock()
			defer func() { require.NoError(b, clock.Close()) }()
			var mid, high, busy []float64
			for b.Loop() {
				for range 3 {
					before, began := cpuTime(b), time.Now()
					result := window(b, steady(n, 4*time.Second), ours, clock)
					busy = append(busy, 100*(cpuTime(b)-before)/time.Since(began).Seconds())
					lags := stampLags(b, result)
					mid, high = append(mid, median(lags)), append(high, p99(lags))
				}
			}
			b.ReportMetric(slices.Min(mid), "stamp-p50-ms")
			b.ReportMetric(slices.Min(high), "stamp-p99-ms")
			b.ReportMetric(median(high), "stamp-p99-median-ms")
			b.ReportMetric(median(busy), "client-cpu-%")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// stampLags reads when events were sent out of the answers that were kept.
func stampLags(b *testing.B, result load.Result) []float64 {
	b.Helper()
	var lags []float64
	for _, r := range result.Records {
		if r.Answer == nil {
			continue
		}
		body := r.Answer.Body
		for _, at := range r.Output.Chunks {
			i := bytes.Index(body, []byte(stampPrefix))
			require.GreaterOrEqual(b, i, 0)
			body = body[i+len(stampPrefix):]
			sent, err := strconv.ParseInt(string(body[:len(fake.Stamp)]), 10, 64)
			require.NoError(b, err)
			lags = append(lags, float64(result.Opened.Add(r.Sent+at).UnixNano()-sent)/1e6)
		}
	}
	require.Greater(b, len(lags), 662, "too few for a p99")
	return lags
}

// BenchmarkStreamResident asks for the peak resident memory of the whole client
// with 1,000 users, each with a stream under way, 4 MB of answers kept. Target:
// at most 50 MB.
func BenchmarkStreamResident(b *testing.B) {
	ours, _ := streams(b)
	alone(b)
	clock := load.SystemClock()
	defer func() { require.NoError(b, clock.Close()) }()
	idle, peak := 0.0, 0.0
	for b.Loop() {
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			b.Skipf("needs to reset the peak of its resident memory: %v", err)
		}
		idle = max(idle, resident(b))
		plan := load.Plan{Conns: 1000, Warmup: streamTime, Window: 8 * time.Second, Timeout: 20 * time.Second, Keep: 4 << 20}
		result := window(b, plan, ours, clock)
		peak = max(peak, resident(b))
		runtime.KeepAlive(result)
	}
	b.ReportMetric(idle, "idle-rss-MB")
	b.ReportMetric(peak, "peak-rss-MB")
	b.ReportMetric(0, "ns/op")
}
