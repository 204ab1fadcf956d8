package http1

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"stackbench/internal/record"
)

// secure is a connection over TLS: net/http with one connection, no proxy, no
// compression and no second try.
type secure struct {
	target    *Target
	transport *http.Transport
	opened    chan net.Conn // holds the connection that open made until the first request takes it
	head      bytes.Buffer
	body      bytes.Buffer
	stream    *stream // nil unless answers are streams
}

func newSecure(t *Target, stream *stream) *secure {
	s := &secure{target: t, stream: stream, opened: make(chan net.Conn, 1)}
	s.transport = &http.Transport{
		DialTLSContext:     s.dial,
		DisableCompression: true,
		MaxConnsPerHost:    1,
	}
	return s
}

// open connects and shakes hands before the clock starts.
func (s *secure) open(ctx context.Context) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.opened <- c
	return nil
}

// dial is the transport's: the connection made beforehand, or else a new one.
func (s *secure) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case c := <-s.opened:
		return c, nil
	default:
		return s.connect(ctx)
	}
}

// refused marks errors of connecting among those of net/http.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

func (s *secure) connect(ctx context.Context) (net.Conn, error) {
	d := tls.Dialer{Config: s.target.tls}
	c, err := d.DialContext(ctx, "tcp", s.target.addr)
	if err != nil {
		return nil, refused{fmt.Errorf("connect to %s: %w", s.target.addr, err)}
	}
	return c, nil
}

func (s *secure) close() {
	select {
	case c := <-s.opened:
		c.Close()
	default:
	}
	s.transport.CloseIdleConnections()
}

func (s *secure) do(ctx context.Context, q *prebuilt) record.Reply {
	if s.stream == nil {
		return s.exchange(ctx, q, nil)
	}
	limited, listening := s.stream.attend(ctx)
	r := s.exchange(limited, q, listening)
	listening.end(limited, &r)
	return r
}

// exchange sends the request and reads its answer; listening is nil unless that
// is a stream.
func (s *secure) exchange(ctx context.Context, q *prebuilt, listening *listening) record.Reply {
	var r record.Reply
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { r.Sent = time.Now() }}
	request, err := s.request(httptrace.WithClientTrace(ctx, trace), q.asIs)
	if err != nil {
		return failed(ctx, r, err, record.Malformed)
	}
	answer, err := s.transport.RoundTrip(request)
	if err != nil {
		var r0 refused
		if errors.As(err, &r0) {
			return failed(ctx, r, r0, record.Refused)
		}
		return failed(ctx, r, protocol(err), record.Cut)
	}
	defer answer.Body.Close()
	r.Code = answer.StatusCode
	s.keepHead(answer)
	r.Head = s.head.Bytes()
	if listening != nil {
		listening.heard = answer.StatusCode >= 200 && answer.StatusCode <= 299
	}
	err = s.readBody(answer.Body, &r, listening)
	r.Body = s.body.Bytes()
	if err != nil {
		return failed(ctx, r, fmt.Errorf("read answer's body: %w", protocol(err)), record.Cut)
	}
	if err := ctx.Err(); err != nil { // net/http may hand over what the server said to our leaving
		return failed(ctx, r, err, record.Cancelled)
	}
	r.Done = time.Now()
	if r.First.IsZero() {
		r.First, r.Last = r.Done, r.Done
	}
	if listening != nil && listening.heard {
		listening.over(s.body.Bytes())
	}
	return judged(r)
}

// request builds net/http's form. No GetBody and a method that is not
// idempotent keep the transport from sending twice.
func (s *secure) request(ctx context.Context, q Request) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, q.Method, s.target.base+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	request.GetBody = nil
	request.Header.Set("Accept-Encoding", "identity")
	for _, f := range q.Header {
		request.Header.Add(f.Name, f.Value)
	}
	return request, nil
}

// keepHead writes the answer's head as it would look in HTTP/1.1.
func (s *secure) keepHead(a *http.Response) {
	s.head.Reset()
	fmt.Fprintf(&s.head, "%s %s\r\n", a.Proto, a.Status)
	a.Header.Write(&s.head) // to memory: no error
	s.head.WriteString("\r\n")
}

func (s *secure) readBody(body io.Reader, r *record.Reply, listening *listening) error {
	s.body.Reset()
	for {
		s.body.Grow(firstBuffer)
		free := s.body.AvailableBuffer()
		n, err := body.Read(free[:cap(free)])
		if n > 0 {
			r.Last = time.Now()
			if r.First.IsZero() {
				r.First = r.Last
			}
			s.body.Write(free[:n])
			if listening != nil && listening.heard {
				if err := listening.hear(s.body.Bytes(), r.Last); err != nil {
					return err
				}
			}
		}
		if most := s.target.most(); s.body.Len() > most {
			return oversize(most)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// protocol tells net/http's complaints about the bytes from a lost connection:
// its textual errors from those of the network.
func protocol(err error) error {
	var network net.Error
	var system *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network), errors.As(err, &system),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	for _, word := range []string{"malformed", "invalid", "unsupported"} {
		if strings.Contains(err.Error(), word) {
			return malformed(err.Error())
		}
	}
	return err
}
