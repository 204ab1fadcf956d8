package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/fake"
	"stackbench/internal/record"
)

func TestMain(m *testing.M) {
	fake.Main()
	os.Exit(m.Run())
}

const benchConns = 64

// BenchmarkCPU compares the CPU time of a request, in turns of a fifth of a
// second against one server in another process: a raw connection with a
// prebuilt request and a 20-line parser; this package, under contexts with a
// deadline that requests share as the load engine's do, and under one of its
// own for each request; and net/http. The turns are interleaved, so that a noisy machine
// hits all. Target: x-raw ≤ 1.5.
//
//	go test -run '^$' -bench CPU -benchtime 10x ./internal/wire/http1
func BenchmarkCPU(b *testing.B) {
	child, err := fake.Spawn(fake.Order{HTTP: &fake.Script{Body: []byte(`{"model":"resnet50","top":[]}..`)}, CPU: apart(b)})
	require.NoError(b, err)
	defer child.Close()
	clients := map[string]func() client{
		"raw":      func() client { return newRaw(b, child.Addr()) },
		"lean":     func() client { return newLean(b, child.Addr(), true) },
		"lean-own": func() client { return newLean(b, child.Addr(), false) },
		"net-http": func() client { return newStandard(child.Addr()) },
	}
	order := []string{"raw", "lean", "lean-own", "net-http"}
	cost := make(map[string]time.Duration)
	count := make(map[string]int)
	for b.Loop() {
		for _, name := range order {
			before := cpuTime(b)
			n := turn(b, clients[name])
			cost[name] += cpuTime(b) - before
			count[name] += n
		}
	}
	each := func(name string) float64 { return float64(cost[name].Nanoseconds()) / float64(count[name]) }
	b.ReportMetric(0, "ns/op") // the length of a turn says nothing
	for _, name := range order {
		b.ReportMetric(each(name)/1e3, name+"-cpu-µs")
	}
	b.ReportMetric(each("lean")/each("raw"), "x-raw")
	b.ReportMetric(each("lean-own")/each("raw"), "own-x-raw")
	b.ReportMetric(each("net-http")/each("raw"), "net-http-x-raw")
}

type client interface {
	do(ctx context.Context) error
	close()
}

// turn keeps all connections busy for a while and counts answers.
func turn(b *testing.B, open func() client) int {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	total := 0
	until := time.Now().Add(200 * time.Millisecond)
	for range benchConns {
		c := open()
		all.Go(func() {
			defer c.close()
			n := 0
			for ; time.Now().Before(until); n++ {
				if err := c.do(ctx); err != nil {
					b.Error(err)
					return
				}
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	all.Wait()
	return max(total, 1)
}

// apart keeps this process on its first core for the benchmark's time, and
// returns a core for the server: another one, or -1 where there is none.
func apart(b *testing.B) int {
	all, err := cpuset.Usable()
	require.NoError(b, err)
	if len(all) < 2 {
		return -1
	}
	_, err = cpuset.Pin(all[:1])
	require.NoError(b, err)
	b.Cleanup(func() {
		_, err := cpuset.Pin(all)
		require.NoError(b, err)
	})
	return all[1]
}

// raw is the anchor: what any client must at least do.
type raw struct {
	conn    net.Conn
	request []byte
	buf     []byte
}

func newRaw(b *testing.B, addr string) client {
	conn, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	return &raw{conn: conn, request: build(addr, post).head, buf: make([]byte, 4096)}
}

func (r *raw) close() { r.conn.Close() }

func (r *raw) do(context.Context) error {
	if _, err := r.conn.Write(r.request); err != nil {
		return err
	}
	for n, want := 0, -1; want < 0 || n < want; {
		k, err := r.conn.Read(r.buf[n:])
		if err != nil {
			return err
		}
		n += k
		if end := bytes.Index(r.buf[:n], headEnd); end >= 0 && want < 0 {
			at := bytes.Index(r.buf[:end], []byte("Content-Length: ")) + len("Content-Length: ")
			size, _, _ := bytes.Cut(r.buf[at:end+2], crlf)
			length, err := strconv.Atoi(string(size))
			if err != nil {
				return err
			}
			want = end + len(headEnd) + length
		}
	}
	return nil
}

type lean struct {
	conn   *Conn
	seq    int
	shared context.Context // nil: one for each request
	cancel context.CancelFunc
}

func newLean(b *testing.B, addr string, share bool) client {
	t, err := NewTarget(addr, []Request{post})
	require.NoError(b, err)
	l := &lean{cancel: func() {}}
	l.conn, err = t.Dial(b.Context())
	require.NoError(b, err)
	if share {
		l.shared, l.cancel = context.WithTimeout(b.Context(), time.Minute)
	}
	return l
}

func (l *lean) close() {
	l.cancel()
	l.conn.Close()
}

func (l *lean) do(ctx context.Context) error {
	if l.shared != nil {
		ctx = l.shared
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
	}
	l.seq++
	r := l.conn.Do(ctx, l.seq)
	if r.Outcome != record.Good {
		return r.Err
	}
	return nil
}

type standard struct {
	transport *http.Transport
	url       string
}

func newStandard(addr string) client {
	return &standard{&http.Transport{DisableCompression: true, MaxConnsPerHost: 1}, "http://" + addr + post.Path}
}

func (s *standard) close() { s.transport.CloseIdleConnections() }

func (s *standard) do(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, post.Method, s.url, bytes.NewReader(post.Body))
	if err != nil {
		return err
	}
	a, err := s.transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	_, err = io.Copy(io.Discard, a.Body)
	return err
}
