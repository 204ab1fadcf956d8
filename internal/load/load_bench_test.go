//go:build linux

package load_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// All benchmarks here (Linux only: they pin, and read /proc) hold this process to core
// 0 and their server, a child process, to core 1. An iteration is whole windows
// of fixed length, and what is compared is interleaved inside it, so one is
// enough:
//
//	go test -run '^$' -bench . -benchtime 1x ./internal/load

// queue is so long that nothing is dropped even where other programs keep this
// one from running for seconds: a figure is then bad, but there is one.
const queue = 1 << 16

// serve starts the server and returns the target that reaches it.
func serve(b *testing.B, s fake.Script) (*fake.Child, raw) {
	b.Helper()
	s.Body = []byte(`{"answer":"thirty-one bytes ok"}`)
	child, err := fake.Spawn(fake.Order{HTTP: &s, CPU: 1})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, child.Close()) })
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(s.Body))
	return child, raw{addr: child.Addr(), answer: len(head) + len(s.Body)}
}

// alone keeps the client on core 0 until the benchmark ends.
func alone(b *testing.B) {
	b.Helper()
	before, err := cpuset.Usable()
	require.NoError(b, err)
	if len(before) < 2 || !slices.Contains(before, 0) || !slices.Contains(before, 1) {
		b.Skipf("needs cores 0 and 1, has %v", before)
	}
	pin(b, cpuset.Set{0})
	b.Cleanup(func() { pin(b, before) })
}

func pin(b *testing.B, s cpuset.Set) {
	b.Helper()
	note, err := cpuset.Pin(s)
	require.NoError(b, err)
	if note != "" {
		b.Skip(note)
	}
}

// window runs a plan in which every request must end well.
func window(b *testing.B, p load.Plan, t load.Target, c load.Clock) load.Result {
	b.Helper()
	result, err := load.Run(b.Context(), p, t, c)
	require.NoError(b, err)
	require.Equal(b, map[record.Outcome]int{record.Good: len(result.Records)}, count(result.Records))
	return result
}

func lags(r load.Result) []float64 {
	out := make([]float64, len(r.Records))
	for i, rec := range r.Records {
		out[i] = (rec.Sent - rec.Intended).Seconds() * 1e3
	}
	return out
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// BenchmarkSendLag asks how late requests leave at 2,000 a second on an idle
// core, against the same engine paced by time.Sleep. Of five interleaved rounds
// each pacer's best counts, as interference by other programs only adds. Targets:
// p99 at most 0.3 ms, ratio at most 1/3.
func BenchmarkSendLag(b *testing.B) {
	_, target := serve(b, fake.Script{})
	alone(b)
	system := load.SystemClock()
	defer func() { require.NoError(b, system.Close()) }()
	plan := load.Plan{
		Arrivals: load.Arrivals{Rate: 2000}, Conns: 64, Queue: queue,
		Warmup: 200 * ms, Window: 1500 * ms, Timeout: 10 * time.Second,
	}
	var timer, sleep, timerMid, sleepMid []float64
	for b.Loop() {
		for range 5 {
			slow, fast := lags(window(b, plan, target, load.SleepClock())), lags(window(b, plan, target, system))
			sleep, timer = append(sleep, p99(slow)), append(timer, p99(fast))
			sleepMid, timerMid = append(sleepMid, median(slow)), append(timerMid, median(fast))
		}
	}
	b.ReportMetric(slices.Min(timerMid), "lag-p50-ms")
	b.ReportMetric(slices.Min(timer), "lag-p99-ms")
	b.ReportMetric(slices.Min(sleepMid), "sleep-lag-p50-ms")
	b.ReportMetric(slices.Min(sleep), "sleep-lag-p99-ms")
	b.ReportMetric(slices.Min(timer)/slices.Min(sleep), "lag-ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDelivered asks whether the server gets the rate that was asked for,
// by its own clock. Target: 0.999 to 1.001.
func BenchmarkDelivered(b *testing.B) {
	for _, rate := range []float64{2000, 10_000} {
		b.Run(fmt.Sprintf("rate=%.0f", rate), func(b *testing.B) {
			alone(b)
			clock := load.SystemClock()
			defer func() { require.NoError(b, clock.Close()) }()
			var ratios []float64
			for b.Loop() {
				child, target := serve(b, fake.Script{})
				window(b, load.Plan{
					Arrivals: load.Arrivals{Rate: rate}, Conns: 64, Queue: queue,
					Window: 5 * time.Second, Timeout: 10 * time.Second,
				}, target, clock)
				at, err := child.Arrivals()
				require.NoError(b, err)
				span := at[len(at)-1].Sub(at[0]).Seconds()
				ratios = append(ratios, float64(len(at)-1)/span/rate)
			}
			b.ReportMetric(median(ratios), "delivered-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStall freezes the server for 500 ms. The truth is what a client with
// a connection for every request would have seen. Target: reported p99 within
// 5 % of it at any connection cap.
func BenchmarkStall(b *testing.B) {
	const at, length = 3 * time.Second, 500 * ms
	for _, conns := range []int{16, 64, 512} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			alone(b)
			clock := load.SystemClock()
			defer func() { require.NoError(b, clock.Close()) }()
			var reported, ratios, fromSend []float64
			for b.Loop() {
				_, target := serve(b, fake.Script{Stall: fake.Stall{At: at, For: length}})
				result := window(b, load.Plan{
					Arrivals: load.Arrivals{Rate: 2000}, Conns: conns, Queue: queue,
					Window: 8 * time.Second, Timeout: 10 * time.Second,
				}, target, clock)
				got, sent, truth := make([]float64, 0, 16_000), make([]float64, 0, 16_000), make([]float64, 0, 16_000)
				for _, r := range result.Records {
					got = append(got, (r.Last-r.Intended).Seconds()*1e3)
					sent = append(sent, (r.Last-r.Sent).Seconds()*1e3)
					frozen := time.Duration(0)
					if r.Intended >= at && r.Intended < at+length {
						frozen = at + length - r.Intended
					}
					truth = append(truth, frozen.Seconds()*1e3)
				}
				service := median(sent)
				reported = append(reported, p99(got))
				fromSend = append(fromSend, p99(sent))
				ratios = append(ratios, p99(got)/(p99(truth)+service))
			}
			b.ReportMetric(median(reported), "stall-p99-ms")
			b.ReportMetric(median(fromSend), "from-send-p99-ms")
			b.ReportMetric(median(ratios), "stall-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkResident asks for the peak resident memory of the whole client with
// 1,000 connections at 2,000 requests a second, 4 MB of answers kept. Target: at
// most 50 MB.
func BenchmarkResident(b *testing.B) {
	_, target := serve(b, fake.Script{Delay: 100 * ms})
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
		result := window(b, load.Plan{
			Arrivals: load.Arrivals{Rate: 2000}, Conns: 1000, Queue: queue,
			Warmup: 2 * time.Second, Window: 8 * time.Second, Timeout: 10 * time.Second, Keep: 4 << 20,
		}, target, clock)
		peak = max(peak, resident(b))
		runtime.KeepAlive(result)
	}
	b.ReportMetric(idle, "idle-rss-MB")
	b.ReportMetric(peak, "peak-rss-MB")
	b.ReportMetric(0, "ns/op")
}

// resident is the peak since it was last reset, in MB.
func resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	require.True(b, found)
	kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	require.NoError(b, err)
	return math.Round(kB*1024/1e5) / 10
}

// BenchmarkClientCPU asks what a request costs the client in CPU time, in a
// closed loop of 64 users, against bare goroutines that write and read on such
// connections and measure nothing: with the engine alone (on the raw connection)
// and with the REST client too. Target of the latter: at most 1.5.
func BenchmarkClientCPU(b *testing.B) {
	_, target := serve(b, fake.Script{})
	rest, err := http1.NewTarget(target.addr, []http1.Request{{Method: "GET", Path: "/"}})
	require.NoError(b, err)
	alone(b)
	const users, length = 64, 1000 * ms
	var engine, whole []float64
	for b.Loop() {
		for range 7 {
			before := cpuTime(b)
			requests := bare(b, target, users, length)
			bareCost := (cpuTime(b) - before) / float64(requests)
			engine = append(engine, loaded(b, target, users, length)/bareCost)
			whole = append(whole, loaded(b, lean{rest}, users, length)/bareCost)
		}
	}
	b.ReportMetric(median(engine), "engine-cpu-ratio")
	b.ReportMetric(median(whole), "rest-cpu-ratio")
	b.ReportMetric(0, "ns/op")
}

// lean lets the engine use the REST client's connections.
type lean struct{ *http1.Target }

func (l lean) Dial(ctx context.Context) (load.Conn, error) { return l.Target.Dial(ctx) }

// loaded is the CPU time of a request in the engine's closed loop.
func loaded(b *testing.B, t load.Target, users int, length time.Duration) float64 {
	b.Helper()
	before := cpuTime(b)
	result := window(b, load.Plan{Conns: users, Window: length, Timeout: 10 * time.Second}, t, load.SleepClock())
	return (cpuTime(b) - before) / float64(len(result.Records))
}

// bare sends requests as fast as answers come, and returns how many it sent.
func bare(b *testing.B, target raw, users int, length time.Duration) int64 {
	b.Helper()
	var all sync.WaitGroup
	var total atomic.Int64
	var stop atomic.Bool
	for range users {
		c, err := net.Dial("tcp", target.addr)
		require.NoError(b, err)
		all.Go(func() {
			defer c.Close()
			buf, n := make([]byte, target.answer), int64(0)
			for ; !stop.Load(); n++ {
				if _, err := c.Write(request); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					b.Error(err)
					return
				}
			}
			total.Add(n)
		})
	}
	timer := time.AfterFunc(length, func() { stop.Store(true) })
	defer timer.Stop()
	all.Wait()
	return total.Load()
}

// cpuTime is what this process has used so far, in seconds.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
