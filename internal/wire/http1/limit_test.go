package http1

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// endless answers without an end, framed in each of the three ways; none of
// them may take the client's memory.
func TestAnAnswerWithoutAnEndIsAFailureOfItsOwnKind(t *testing.T) {
	const bound = 1 << 20
	piece := []byte(strings.Repeat("x", 64<<10))
	pour := func(w io.Writer) {
		for range 1 << 14 { // a gigabyte
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"chunked": func(w http.ResponseWriter, _ *http.Request) { pour(w) },
		"length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(1<<30))
			pour(w)
		},
		"to the end": func(w http.ResponseWriter, _ *http.Request) {
			c, out, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer c.Close()
			fmt.Fprint(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
			pour(out)
		},
	} {
		for _, secure := range []bool{false, true} {
			if secure && name == "to the end" {
				continue // the hijacked connection speaks in clear
			}
			t.Run(fmt.Sprintf("%s, TLS %t", name, secure), func(t *testing.T) {
				server := httptest.NewUnstartedServer(answer)
				start := server.Start
				if secure {
					start = server.StartTLS
				}
				start()
				defer server.Close()
				target, err := NewTarget(server.URL, []Request{{Method: "GET", Path: "/"}})
				require.NoError(t, err)
				if secure {
					target.tls.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
				}
				target.Bound(bound)
				c, err := target.Dial(t.Context())
				require.NoError(t, err)
				defer c.Close()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				r := c.Do(t.Context(), 0)
				runtime.ReadMemStats(&after)
				require.Equal(t, record.Oversize, r.Outcome, "%v", r.Err)
				require.Equal(t, "too-large", r.Outcome.String())
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*bound))
			})
		}
	}
}

// What is within the bound is not touched, to the byte.
func TestAnAnswerWithinTheBoundIsGood(t *testing.T) {
	body := strings.Repeat("x", 1<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	for _, path := range []string{"/", "/chunked"} {
		target, err := NewTarget(server.URL, []Request{{Method: "GET", Path: path}})
		require.NoError(t, err)
		target.Bound(1 << 20)
		c, err := target.Dial(t.Context())
		require.NoError(t, err)
		r := c.Do(t.Context(), 0)
		require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
		require.Len(t, r.Body, 1<<20)
		require.NoError(t, c.Close())
	}
}
