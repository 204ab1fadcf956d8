package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

var post = Request{Method: "POST", Path: "/x", Header: []Field{{"Content-Type", "text/plain"}}, Body: []byte("question")}

func dial(t *testing.T, base string, r ...Request) *Conn {
	t.Helper()
	target, err := NewTarget(base, r)
	require.NoError(t, err)
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func serve(t *testing.T, s fake.Script) *fake.HTTPServer {
	t.Helper()
	h, err := fake.HTTP(s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

// inOrder checks the stamps of an answer that came whole.
func inOrder(t *testing.T, r record.Reply) {
	t.Helper()
	require.False(t, r.Sent.IsZero())
	require.False(t, r.First.Before(r.Sent))
	require.False(t, r.Last.Before(r.First))
	require.False(t, r.Done.Before(r.Last))
}

func TestAnswers(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 200_000)
	for name, s := range map[string]fake.Script{
		"empty":              {},
		"length":             {Body: []byte("hello")},
		"chunked":            {Body: []byte("hello"), Framing: fake.Chunked},
		"chunked empty":      {Framing: fake.Chunked},
		"close":              {Body: []byte("hello"), Framing: fake.UntilClose},
		"close empty":        {Framing: fake.UntilClose},
		"big":                {Body: big},
		"big chunked":        {Body: big, Framing: fake.Chunked},
		"big close":          {Body: big, Framing: fake.UntilClose},
		"halves":             {Body: []byte("hello"), Pause: time.Millisecond},
		"halves, chunked":    {Body: []byte("hello"), Pause: time.Millisecond, Framing: fake.Chunked},
		"halves, close":      {Body: []byte("hello"), Pause: time.Millisecond, Framing: fake.UntilClose},
		"garbage in the 200": {Body: []byte("\x00\xff not json")},
		"connection: close":  {Body: []byte("hello"), Header: []string{"Connection: Close"}},
		"identity":           {Body: []byte("hello"), Header: []string{"Content-Encoding: identity", "x-trace:  a b "}},
	} {
		t.Run(name, func(t *testing.T) {
			h := serve(t, s)
			c := dial(t, h.Addr(), post)
			for seq := range 3 {
				r := c.Do(t.Context(), seq)
				require.NoError(t, r.Err)
				require.Equal(t, record.Good, r.Outcome)
				require.Equal(t, 200, r.Code)
				require.True(t, bytes.Equal(s.Body, r.Body), "%d bytes came as %d", len(s.Body), len(r.Body))
				require.True(t, bytes.HasPrefix(r.Head, []byte("HTTP/1.1 200 OK\r\n")))
				inOrder(t, r)
				if s.Pause > 0 {
					require.True(t, r.Last.After(r.First))
				}
			}
			require.Len(t, h.Arrivals(), 3)
		})
	}
}

func TestStatusKeepsTheBody(t *testing.T) {
	for _, framing := range []fake.Framing{fake.Length, fake.Chunked, fake.UntilClose} {
		h := serve(t, fake.Script{Status: 503, Body: []byte(`{"error":"queue full"}`), Framing: framing})
		c := dial(t, h.Addr(), post)
		for seq := range 2 {
			r := c.Do(t.Context(), seq)
			require.Equal(t, record.Status, r.Outcome)
			require.Equal(t, 503, r.Code)
			require.Equal(t, `{"error":"queue full"}`, string(r.Body))
			require.ErrorContains(t, r.Err, "queue full")
			inOrder(t, r)
		}
	}
}

// Every fault is bounded and counted, and the next request of the same Conn is
// answered.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		script  fake.Script
		limit   time.Duration
		outcome record.Outcome
		text    string
	}{
		"drop":             {fake.Script{Fault: fake.Fault{Kind: fake.Drop}}, time.Minute, record.Cut, "unexpected EOF"},
		"half":             {fake.Script{Fault: fake.Fault{Kind: fake.Half}}, time.Minute, record.Cut, "read answer's body"},
		"half, chunked":    {fake.Script{Framing: fake.Chunked, Fault: fake.Fault{Kind: fake.Half}}, time.Minute, record.Cut, "unexpected EOF"},
		"reset":            {fake.Script{Fault: fake.Fault{Kind: fake.Reset}}, time.Minute, record.Cut, "reset"},
		"reset, close":     {fake.Script{Framing: fake.UntilClose, Fault: fake.Fault{Kind: fake.Reset}}, time.Minute, record.Cut, "reset"},
		"silent":           {fake.Script{Fault: fake.Fault{Kind: fake.Silent}}, 50 * time.Millisecond, record.Timeout, "i/o timeout"},
		"another protocol": {fake.Script{Fault: fake.Fault{Kind: fake.Garbage}}, time.Minute, record.Malformed, "is not HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			c.script.Body = []byte("hello, world")
			c.script.Fault.Every = 2
			h := serve(t, c.script)
			conn := dial(t, h.Addr(), post)
			require.Equal(t, record.Good, conn.Do(t.Context(), 0).Outcome)
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			r := conn.Do(ctx, 1)
			require.Equal(t, c.outcome, r.Outcome, "%v", r.Err)
			require.ErrorContains(t, r.Err, c.text)
			require.False(t, r.Sent.IsZero())
			require.False(t, r.Done.Before(r.Sent))
			require.Equal(t, record.Good, conn.Do(t.Context(), 2).Outcome)
			require.Len(t, h.Arrivals(), 3, "no request is sent twice")
		})
	}
}

func TestSlowServers(t *testing.T) {
	for name, s := range map[string]fake.Script{
		"delay": {Body: []byte("hello"), Delay: time.Hour},
		"pause": {Body: []byte("hello"), Pause: time.Hour},
		"stall": {Body: []byte("hello"), Stall: fake.Stall{For: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, serve(t, s).Addr(), post)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			require.Equal(t, record.Timeout, c.Do(ctx, 0).Outcome)

			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(30*time.Millisecond, cancel)
			r := c.Do(ctx, 1)
			require.Equal(t, record.Cancelled, r.Outcome, "%v", r.Err)
			r = c.Do(ctx, 2) // over before it begins
			require.Equal(t, record.Cancelled, r.Outcome, "%v", r.Err)
		})
	}
}

func TestRefused(t *testing.T) {
	h, err := fake.HTTP(fake.Script{Body: []byte("hello"), Header: []string{"Connection: close"}})
	require.NoError(t, err)
	c := dial(t, h.Addr(), post)
	require.Equal(t, record.Good, c.Do(t.Context(), 0).Outcome)
	require.NoError(t, h.Close())
	r := c.Do(t.Context(), 1)
	require.Equal(t, record.Refused, r.Outcome)
	require.ErrorContains(t, r.Err, "connect to "+h.Addr())
	require.True(t, r.Sent.IsZero())

	target, err := NewTarget(h.Addr(), []Request{post})
	require.NoError(t, err)
	_, err = target.Dial(t.Context())
	require.ErrorContains(t, err, "connect to "+h.Addr())
	require.Equal(t, record.Refused, Fetch(t.Context(), h.Addr(), post).Outcome)
}

// A server may close a resting connection; the next request must not pay.
func TestIdleConnectionClosedByServer(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	gone := make(chan struct{}, 8)
	s.Config.IdleTimeout = 120 * time.Millisecond
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateClosed {
			gone <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	c := dial(t, s.Listener.Addr().String(), post)
	for seq := range 2 {
		r := c.Do(t.Context(), seq)
		require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
		<-gone
	}
}

// A server that closes without a word is found out before the next request of an
// open loop, however soon after the answer that is.
func TestClosedUnannounced(t *testing.T) {
	closed := make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			_ = conn.Close()
			closed <- struct{}{}
		}
	}()
	c := dial(t, l.Addr().String(), post)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one for all, as of requests of the same hundredth
	defer cancel()
	for seq := range 20 {
		r := c.Do(ctx, seq)
		require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
		<-closed
		c.used = c.used.Add(-2 * idle)
	}
}

// Contexts that end before or between requests cost no connection.
func TestContextsBetweenRequests(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := dial(t, s.Listener.Addr().String(), post)
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for seq := range 3 { // one context for several requests
			require.Equal(t, record.Good, c.Do(ctx, seq).Outcome)
		}
		cancel()
		r := c.Do(ctx, 3)
		require.Equal(t, record.Cancelled, r.Outcome)
		require.True(t, r.Sent.IsZero())
		late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
		require.Equal(t, record.Timeout, c.Do(late, 4).Outcome)
		cancel()
	}
	require.EqualValues(t, 1, opened.Load())
}

// What net/http's server sees is what was asked for, small or large.
func TestRequestsAsAServerReadsThem(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 3<<20)
	type seen struct{ method, path, query, kind, coding, body string }
	got := make(chan seen, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			b = []byte(err.Error())
		}
		got <- seen{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header.Get("Accept-Encoding"), string(b)}
	})
	requests := []Request{
		post,
		{Method: "GET", Path: "/ready?x=1"},
		{Method: "POST", Path: "/large", Header: []Field{{"Content-Type", "image/jpeg"}}, Body: large},
		{Method: "POST", Path: "/none"},
	}
	want := []seen{
		{"POST", "/pre/x", "", "text/plain", "identity", "question"},
		{"GET", "/pre/ready", "x=1", "", "identity", ""},
		{"POST", "/pre/large", "", "image/jpeg", "identity", string(large)},
		{"POST", "/pre/none", "", "", "identity", ""},
	}
	s := httptest.NewServer(handler)
	defer s.Close()
	c := dial(t, s.URL+"/pre/", requests...)
	for seq := range 8 {
		r := c.Do(t.Context(), seq)
		require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
		require.True(t, want[seq%4] == <-got, "request %d arrived changed", seq%4)
	}
}

// A server that refuses a body before it has read it is understood.
func TestEarlyRefusalOfALargeBody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.ReadFull(c, make([]byte, 100))
			io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
			c.Close() // unread bytes: a reset follows
		}
	}()
	c := dial(t, l.Addr().String(), Request{Method: "POST", Path: "/", Body: make([]byte, 32<<20)})
	r := c.Do(t.Context(), 0)
	require.Equal(t, record.Status, r.Outcome, "%v", r.Err)
	require.Equal(t, 413, r.Code)
	require.Equal(t, "big", string(r.Body))
}

func TestNewTargetRefuses(t *testing.T) {
	for base, want := range map[string]string{
		"":                 "want host:port",
		"ftp://host":       "neither http nor https",
		"http://host?x=1":  "want host:port",
		"http://u:p@host/": "want host:port",
		"http://%zz":       "server address",
	} {
		_, err := NewTarget(base, []Request{post})
		require.ErrorContains(t, err, want, base)
		require.Equal(t, record.Refused, Fetch(t.Context(), base, post).Outcome)
	}
	_, err := NewTarget("host:80", nil)
	require.ErrorContains(t, err, "there are none")
	for _, r := range []Request{
		{Method: "GE T", Path: "/"},
		{Method: "GET", Path: "x y"},
		{Method: "GET", Path: "/x\r\nHost: evil"},
		{Method: "GET", Path: "/", Header: []Field{{"a:", "b"}}},
		{Method: "GET", Path: "/", Header: []Field{{"a", "b\r\nc: d"}}},
	} {
		_, err := NewTarget("host:80", []Request{r})
		require.ErrorContains(t, err, "prepare request 0")
	}
}

func TestFailedNamesTheRunsEndFirst(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, record.Cancelled, failed(ctx, record.Reply{}, errors.New("x"), record.Cut).Outcome)
	require.Equal(t, record.Malformed, failed(ctx, record.Reply{}, malformed("x"), record.Cut).Outcome)
	require.Equal(t, record.Cut, failed(t.Context(), record.Reply{}, errors.New("x"), record.Cut).Outcome)
	require.Equal(t, record.Timeout, failed(t.Context(), record.Reply{}, context.DeadlineExceeded, record.Refused).Outcome)
}

func TestValue(t *testing.T) {
	head := []byte("HTTP/1.1 200 OK\r\nContent-Type: a\r\nINFERENCE-header-Content-Length: 12 \r\n\r\n")
	v, ok := Value(head, "inference-header-content-length")
	require.True(t, ok)
	require.Equal(t, "12", v)
	_, ok = Value(head, "content")
	require.False(t, ok)
	require.Equal(t, "12", strings.TrimSpace(v))
}
