package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

// lines is a listener that takes whole lines and notes when each came. A line
// "bad" is none of its protocol.
type lines struct {
	heard []string
	at    []time.Time
	out   record.Output
	rest  string
	ended int
}

func (l *lines) Begin() { l.heard, l.at, l.rest = nil, nil, "" }

func (l *lines) Over(rest []byte) { l.rest = string(rest) }

func (l *lines) OnEvent(body []byte, at time.Time) (taken int, err error) {
	for {
		line, _, found := strings.Cut(string(body[taken:]), "\n")
		if !found {
			return taken, nil
		}
		if line == "bad" {
			return taken, errors.New("a bad line")
		}
		l.heard, l.at = append(l.heard, line), append(l.at, at)
		taken += len(line) + 1
	}
}

func (l *lines) End(r *record.Reply) {
	l.ended++
	r.Output = &l.out
	if n := len(l.at); n > 0 {
		r.First, r.Last = l.at[0], l.at[n-1]
	}
}

// hearing is a connection over c whose answers are heard by lines.
func hearing(t *testing.T, c net.Conn, silence time.Duration) (*Conn, *lines) {
	t.Helper()
	l := &lines{}
	target, err := NewStreamingTarget("host:1", []Request{post}, Streaming{func() EventHandler { return l }, silence})
	require.NoError(t, err)
	target.Over(func(context.Context, string) (net.Conn, error) { return c, nil })
	conn, err := target.Dial(t.Context())
	require.NoError(t, err)
	return conn, l
}

const streamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func TestHear(t *testing.T) {
	for name, c := range map[string]struct {
		raw     string
		outcome record.Outcome
		heard   string // lines, joined by spaces
		body    string
	}{
		"chunks":            {streamHead + "4\r\na\nb\n\r\n3\r\nc\nd\r\n1\r\n\n\r\n0\r\n\r\n", record.Good, "a b c d", "a\nb\nc\nd\n"},
		"what is not taken": {streamHead + "1\r\na\r\n0\r\n\r\n", record.Good, "", "a"},
		"no body":           {streamHead + "0\r\n\r\n", record.Good, "", ""},
		"length":            {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na\nb\n", record.Good, "a b", "a\nb\n"},
		"up to the end":     {"HTTP/1.1 200 OK\r\n\r\na\nb\n", record.Good, "a b", "a\nb\n"},
		"cut":               {streamHead + "4\r\na\nb\n\r\n3\r\nc", record.Cut, "a b", "a\nb\nc"},
		"cut short of size": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na\nb\n", record.Cut, "a b", "a\nb\n"},
		"refused":           {streamHead + "6\r\na\nbad\n\r\n", record.Malformed, "a", "a\nbad\n"},
		"no chunk":          {streamHead + "2\r\na\n\r\nz\r\n", record.Malformed, "a", "a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for piece := 1; piece <= len(c.raw); piece++ {
				conn, l := hearing(t, pieces([]byte(c.raw), piece), 0)
				r := conn.Do(t.Context(), 0)
				require.Equal(t, c.outcome, r.Outcome, "%v", r.Err)
				require.Equal(t, c.heard, strings.Join(l.heard, " "), "in pieces of %d", piece)
				if c.outcome == record.Good {
					require.Equal(t, c.body, string(r.Body))
				} else {
					require.True(t, strings.HasPrefix(c.body, string(r.Body)), "%q", r.Body)
				}
				if name == "what is not taken" {
					require.Equal(t, "a", l.rest)
				} else {
					require.Empty(t, l.rest, "of a body that ended whole")
				}
				require.Equal(t, 1, l.ended)
				require.NotNil(t, r.Output)
				require.Equal(t, 200, r.Code)
			}
		})
	}
}

// An answer with an error is not a stream, and not the listener's.
func TestErrorsAreNotHeard(t *testing.T) {
	conn, l := hearing(t, pieces([]byte("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\n\r\nfull\n"), 99), time.Second)
	r := conn.Do(t.Context(), 0)
	require.Equal(t, record.Status, r.Outcome)
	require.Equal(t, "full\n", string(r.Body))
	require.Nil(t, r.Output)
	require.Zero(t, l.ended)
}

// With many connections the bytes of most answers are let go as they come, and
// the buffer does not grow with them; what is heard stays the same.
func TestManyStreamsAreThinned(t *testing.T) {
	var raw, want strings.Builder
	raw.WriteString(streamHead)
	for i := range 20_000 {
		line := fmt.Sprintf("line %d", i)
		fmt.Fprintf(&raw, "%x\r\n%s\n\r\n", len(line)+1, line)
		want.WriteString(line + "\n")
	}
	raw.WriteString("0\r\n\r\n")
	kept := 0
	for seq := range 64 {
		conn, l := hearing(t, pieces([]byte(raw.String()), 1000), 0)
		conn.target.dialled.Store(1000)
		r := conn.Do(t.Context(), seq)
		require.NoError(t, r.Err)
		require.Len(t, l.heard, 20_000)
		require.Equal(t, "line 19999", l.heard[19_999])
		if !r.Unkept {
			kept++
			require.Equal(t, want.String(), string(r.Body))
			continue
		}
		require.Nil(t, r.Body)
		require.Equal(t, eventBuffer, len(conn.buf))
	}
	require.InDelta(t, 2, kept, 1, "of 64, one in 32")
}

// The stamps are those of the reads, not of the lines' turn in the answer.
func TestStampsAreOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go func() {
			read(t, server)
			for _, part := range []string{streamHead, "4\r\na\nb\n\r\n", "1\r\nc\r\n", "1\r\n\n\r\n0\r\n\r\n"} {
				time.Sleep(100 * time.Millisecond) // virtual
				io.WriteString(server, part)
			}
		}()
		conn, l := hearing(t, client, time.Minute)
		defer conn.Close()
		r := conn.Do(t.Context(), 0)
		require.NoError(t, r.Err)
		var at []time.Duration
		for _, stamp := range l.at {
			at = append(at, stamp.Sub(r.Sent))
		}
		require.Equal(t, []time.Duration{200 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond}, at)
		require.Equal(t, 400*time.Millisecond, r.Done.Sub(r.Sent))
	})
}

// read takes the request from the other end of a pipe.
func read(t *testing.T, c net.Conn) {
	b := make([]byte, 4096)
	n, err := c.Read(b)
	require.NoError(t, err)
	require.Contains(t, string(b[:n]), "POST /x HTTP/1.1")
}

// A server may be slow for as long as it likes, but not silent.
func TestSilence(t *testing.T) {
	const limit = 30 * time.Second
	for name, c := range map[string]struct {
		parts   []string
		pause   time.Duration
		within  time.Duration // the request's own limit
		outcome record.Outcome
		after   time.Duration // at the earliest
	}{
		"before the head":     {nil, 0, time.Hour, record.Silent, limit},
		"before the body":     {[]string{streamHead}, time.Second, time.Hour, record.Silent, time.Second + limit},
		"within the body":     {[]string{streamHead, "2\r\na\n\r\n"}, time.Second, time.Hour, record.Silent, 2*time.Second + limit},
		"slow":                {[]string{streamHead, "2\r\na\n\r\n", "2\r\nb\n\r\n", "0\r\n\r\n"}, 29 * time.Second, time.Hour, record.Good, 116 * time.Second},
		"the request's limit": {[]string{streamHead}, time.Second, 20 * time.Second, record.Timeout, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				go func() {
					read(t, server)
					for _, part := range c.parts {
						time.Sleep(c.pause) // virtual
						io.WriteString(server, part)
					}
				}()
				conn, _ := hearing(t, client, limit)
				defer conn.Close()
				ctx, cancel := context.WithTimeout(t.Context(), c.within)
				defer cancel()
				r := conn.Do(ctx, 0)
				require.Equal(t, c.outcome, r.Outcome, "%v", r.Err)
				took := r.Done.Sub(r.Sent)
				require.GreaterOrEqual(t, took, c.after)
				require.LessOrEqual(t, took, c.after+limit/10)
				if c.outcome == record.Silent {
					require.EqualError(t, errors.Unwrap(r.Err), "nothing came for 30s")
				}
			})
		})
	}
}

// A connection whose stream was silent is left; the next request has another.
func TestAfterSilence(t *testing.T) {
	h := serve(t, fake.Script{Body: []byte("a\n"), Fault: fake.Fault{Kind: fake.Silent, Every: 2}})
	target, err := NewStreamingTarget(h.Addr(), []Request{post}, Streaming{func() EventHandler { return &lines{} }, 50 * time.Millisecond})
	require.NoError(t, err)
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	defer c.Close()
	for _, want := range []record.Outcome{record.Good, record.Silent, record.Good} {
		r := c.Do(t.Context(), 0)
		require.Equal(t, want, r.Outcome, "%v", r.Err)
	}
}

// Over TLS net/http reads, and the listener hears the same.
func TestHearOverTLS(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/x", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for _, part := range []string{"a\nb", "\nc\n"} {
			io.WriteString(w, part)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/full", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", http.StatusServiceUnavailable) })
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "bad\n") })
	mux.HandleFunc("/silent", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "a\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	l := &lines{}
	var requests []Request
	for _, path := range []string{"/x", "/full", "/bad", "/silent"} {
		requests = append(requests, Request{Method: "POST", Path: path})
	}
	target, err := NewStreamingTarget(s.URL, requests, Streaming{func() EventHandler { return l }, 100 * time.Millisecond})
	require.NoError(t, err)
	target.tls = s.Client().Transport.(*http.Transport).TLSClientConfig
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	defer c.Close()
	for seq, want := range []record.Outcome{record.Good, record.Status, record.Malformed, record.Silent} {
		r := c.Do(t.Context(), seq)
		require.Equal(t, want, r.Outcome, "%v", r.Err)
		require.Equal(t, want == record.Status, r.Output == nil)
		if want == record.Good {
			require.Equal(t, []string{"a", "b", "c"}, l.heard)
			require.Equal(t, "a\nb\nc\n", string(r.Body))
			inOrder(t, r)
		}
	}
}

// FuzzHear: however an answer comes in, hearing it ends as reading it whole does,
// and the listener was told of the same bytes.
func FuzzHear(f *testing.F) {
	f.Add([]byte(streamHead+"4\r\na\nb\n\r\n0\r\n\r\n"), uint8(3))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na\nb\n"), uint8(1))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\na\n"), uint8(9))
	f.Add([]byte("HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\na"), uint8(2))
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		want, _ := answer(raw, int(size)+1)
		if strings.Contains(string(want.Body), "bad\n") {
			t.Skip() // lines refuses it
		}
		for _, conns := range []int64{1, 1 << 40} { // all held whole; none
			conn, l := hearing(t, pieces(raw, int(size)+1), 0)
			conn.target.dialled.Store(conns)
			r := conn.Do(t.Context(), 1)
			require.Equal(t, want.Outcome, r.Outcome, "%v, not %v", r.Err, want.Err)
			require.Equal(t, want.Code, r.Code)
			if !r.Unkept && want.Outcome == record.Good {
				require.Equal(t, string(want.Body), string(r.Body))
			}
			if want.Outcome == record.Good {
				whole, _, _ := cutLast(string(want.Body))
				require.Equal(t, whole, strings.Join(l.heard, "\n"))
			}
		}
	})
}

// cutLast cuts text at its last line end.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndex(text, "\n")
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}
