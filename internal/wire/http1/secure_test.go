package http1

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// overTLS serves four paths: a good answer, an error, one that is cut half-way
// and one that does not end before the client has gone.
func overTLS(t *testing.T) (*httptest.Server, *Target) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Coding", r.Header.Get("Accept-Encoding"))
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/full", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "queue full", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "hello")
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/silent", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	mux.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(c, "this is not HTTP\r\n\r\n")
			c.Close()
		}
	})
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	var requests []Request
	for _, p := range []string{"/good", "/full", "/half", "/silent", "/other"} {
		requests = append(requests, Request{Method: "POST", Path: p, Body: []byte("question")})
	}
	target, err := NewTarget(s.URL, requests)
	require.NoError(t, err)
	target.tls.RootCAs = x509.NewCertPool()
	target.tls.RootCAs.AddCert(s.Certificate())
	return s, target
}

func TestSecure(t *testing.T) {
	s, target := overTLS(t)
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	defer c.Close()
	good := func() {
		t.Helper()
		r := c.Do(t.Context(), 0)
		require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
		require.Equal(t, "question", string(r.Body))
		v, _ := Value(r.Head, "x-coding")
		require.Equal(t, "identity", v)
		inOrder(t, r)
	}
	good()
	r := c.Do(t.Context(), 1)
	require.Equal(t, record.Status, r.Outcome)
	require.Equal(t, 503, r.Code)
	require.Equal(t, "queue full\n", string(r.Body))
	good()
	r = c.Do(t.Context(), 2)
	require.Equal(t, record.Cut, r.Outcome, "%v", r.Err)
	good()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r = c.Do(ctx, 3)
	require.Equal(t, record.Timeout, r.Outcome, "%v", r.Err)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	r = c.Do(ctx, 3)
	require.Equal(t, record.Cancelled, r.Outcome, "%v", r.Err)
	r = c.Do(t.Context(), 4)
	require.Equal(t, record.Malformed, r.Outcome, "%v", r.Err)
	good()
	s.Close()
	r = (&Conn{target: target, secure: newSecure(target, nil)}).Do(t.Context(), 0)
	require.Equal(t, record.Refused, r.Outcome, "%v", r.Err)
}

func TestSecureDistrustsStrangers(t *testing.T) {
	s, target := overTLS(t)
	target.tls.RootCAs = x509.NewCertPool()
	_, err := target.Dial(t.Context())
	require.ErrorContains(t, err, "connect to "+s.Listener.Addr().String())
	require.Equal(t, record.Refused, Fetch(t.Context(), s.URL, post).Outcome)
}
