package fake

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func start(t *testing.T, s Script) *HTTPServer {
	t.Helper()
	h, err := HTTP(s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func client(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// net/http is the judge of what the fake puts on the wire.
func TestHTTPAnswers(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 300_000)
	for name, s := range map[string]Script{
		"empty":     {},
		"length":    {Body: []byte("hello")},
		"one byte":  {Body: []byte("h"), Framing: Chunked},
		"chunked":   {Body: []byte("hello"), Framing: Chunked},
		"no chunks": {Framing: Chunked},
		"close":     {Body: []byte("hello"), Framing: UntilClose},
		"status":    {Status: 503, Body: []byte(`{"error":"full"}`), Header: []string{"X-Reason: full"}},
		"paused":    {Body: []byte("hello"), Pause: time.Millisecond, Delay: time.Millisecond},
		"big":       {Body: big},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, s)
			c := client(t)
			for range 3 {
				r, err := c.Post("http://"+h.Addr()+"/x", "text/plain", bytes.NewReader(big))
				require.NoError(t, err)
				got, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.NoError(t, r.Body.Close())
				require.True(t, bytes.Equal(s.Body, got), "body of %d bytes came as %d", len(s.Body), len(got))
				require.Equal(t, max(s.Status, 200), r.StatusCode)
				for _, line := range s.Header {
					k, v, _ := strings.Cut(line, ": ")
					require.Equal(t, v, r.Header.Get(k))
				}
			}
			at := h.Arrivals()
			require.Len(t, at, 3)
			require.False(t, at[2].Before(at[0]))
		})
	}
}

func TestHTTPFaults(t *testing.T) {
	for kind, want := range map[Kind]string{
		Drop: "EOF", Half: "unexpected EOF", Reset: "reset", Garbage: "malformed",
	} {
		t.Run(string(kind), func(t *testing.T) {
			h := start(t, Script{Body: []byte("hello, world"), Fault: Fault{Kind: kind, Every: 2}})
			c := client(t)
			get := func() error {
				r, err := c.Post("http://"+h.Addr(), "text/plain", strings.NewReader("x"))
				if err != nil {
					return err
				}
				defer r.Body.Close()
				_, err = io.ReadAll(r.Body)
				return err
			}
			require.NoError(t, get())
			require.ErrorContains(t, get(), want)
			require.NoError(t, get())
		})
	}
}

// A silent server holds the request; Close must still end everything.
func TestHTTPSilentIsEndedByClose(t *testing.T) {
	h, err := HTTP(Script{Fault: Fault{Kind: Silent}})
	require.NoError(t, err)
	c, err := net.Dial("tcp", h.Addr())
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(h.Arrivals()) == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, h.Close())
}

func TestWait(t *testing.T) {
	first := time.Unix(100, 0)
	s := Stall{At: time.Second, For: 500 * time.Millisecond}
	at := func(d time.Duration) time.Duration { return wait(first.Add(d), first, 5*time.Millisecond, s) }
	require.Equal(t, 5*time.Millisecond, at(0))
	require.Equal(t, 5*time.Millisecond, at(time.Second-1))
	require.Equal(t, 505*time.Millisecond, at(time.Second))
	require.Equal(t, 105*time.Millisecond, at(1400*time.Millisecond))
	require.Equal(t, 5*time.Millisecond, at(1500*time.Millisecond))
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"))
	f.Add([]byte("\r\n\r\n\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		client, server := net.Pipe()
		go func() {
			client.Write(b)
			client.Close()
		}()
		r := reader{conn: server, buf: make([]byte, 16)}
		for r.request() == nil {
		}
		server.Close()
	})
}
