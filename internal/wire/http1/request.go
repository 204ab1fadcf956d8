// Package http1 is a lean HTTP/1.1 client for the hot path of a load test: one
// net.Conn, requests built before they are due, answers read whole into one
// reused buffer and stamped at the byte. It costs about a third of net/http's
// CPU; https endpoints, where encryption outweighs that, go through net/http.
package http1

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	"stackbench/internal/record"
)

const (
	maxHead = 64 << 10  // of an answer's status line and headers
	maxBody = 256 << 20 // of an answer's body; the gRPC clients' limit too
	oneCopy = 16 << 10  // request bodies up to here are copied behind their head
)

// Field is one header line.
type Field struct {
	Name  string
	Value string
}

// Request is what to send, without the lines that every request has (Host,
// Content-Length, Accept-Encoding). Its bytes must not change once a target
// has it.
type Request struct {
	Method string
	Path   string // with the query, beginning with "/"
	Header []Field
	Body   []byte
}

// Target is a server and the requests that its connections send in turn.
type Target struct {
	addr     string // host:port
	base     string // scheme://host:port[/prefix], for net/http
	prefix   string // of every path
	requests []prebuilt
	next     func(seq int) *Prepared // nil: the requests in turn
	tls      *tls.Config             // nil over plain TCP
	dial     Dialer
	hearing  Streaming
	dialled  atomic.Int64
	limit    int // of an answer's body; 0: maxBody
}

// Dialer opens a byte stream to host:port.
type Dialer func(ctx context.Context, addr string) (net.Conn, error)

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// prebuilt is a request as it goes onto the wire: head, then body. A small
// body is part of head already, so that one write sends both.
type prebuilt struct {
	head []byte
	body []byte
	asIs Request
}

// NewTarget prepares requests for a server. The base is host:port,
// http://host:port or https://host:port, with a path prefix or without.
func NewTarget(base string, requests []Request) (*Target, error) {
	t, prefix, err := parseBase(base)
	if err != nil {
		return nil, err
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("prepare requests for %s: there are none", base)
	}
	t.requests = make([]prebuilt, len(requests))
	t.prefix = prefix
	for i, r := range requests {
		p, err := t.Prepare(r)
		if err != nil {
			return nil, fmt.Errorf("prepare request %d for %s: %w", i, base, err)
		}
		t.requests[i] = prebuilt(*p)
	}
	return t, nil
}

// parseBase splits an endpoint into a target without requests and a path prefix.
func parseBase(base string) (*Target, string, error) {
	full := base
	if !strings.Contains(base, "://") {
		full = "http://" + base
	}
	u, err := url.Parse(full)
	if err != nil {
		return nil, "", fmt.Errorf("server address %q: %w", base, err)
	}
	if u.Host == "" || u.Hostname() == "" || u.RawQuery != "" || u.User != nil {
		return nil, "", fmt.Errorf("server address %q: want host:port or http[s]://host:port", base)
	}
	t := &Target{addr: u.Host, base: u.Scheme + "://" + u.Host, dial: dialTCP}
	port := "80"
	switch u.Scheme {
	case "http":
	case "https":
		t.tls, port = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}, "443"
	default:
		return nil, "", fmt.Errorf("server address %q: scheme %q is neither http nor https", base, u.Scheme)
	}
	if u.Port() == "" {
		t.addr = net.JoinHostPort(u.Hostname(), port)
	}
	return t, strings.TrimSuffix(u.Path, "/"), nil
}

// check refuses what would put a second request onto the wire.
func (r Request) check() error {
	if r.Method == "" || strings.ContainsAny(r.Method, " \r\n") {
		return fmt.Errorf("method %q is not a word", r.Method)
	}
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, " \r\n") {
		return fmt.Errorf("path %q is not a path", r.Path)
	}
	for _, f := range r.Header {
		if f.Name == "" || strings.ContainsAny(f.Name, ": \r\n") || strings.ContainsAny(f.Value, "\r\n") {
			return fmt.Errorf("header %q: %q is not a header line", f.Name, f.Value)
		}
	}
	return nil
}

// build writes the request's head. It asks for no compression, in words: a
// server that finds no Accept-Encoding may compress, and the binary tensor
// extension counts uncompressed bytes.
func build(host string, r Request) prebuilt {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: identity\r\n", r.Method, r.Path, host)
	for _, f := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	if len(r.Body) > 0 || r.Method != "GET" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	p := prebuilt{asIs: r, body: r.Body}
	if len(r.Body) <= oneCopy {
		b.Write(r.Body)
		p.body = nil
	}
	p.head = b.Bytes()
	return p
}

// NewStreamingTarget is NewTarget for requests whose answers are heard as they
// arrive.
func NewStreamingTarget(base string, requests []Request, h Streaming) (*Target, error) {
	t, err := NewTarget(base, requests)
	if err != nil {
		return nil, err
	}
	t.hearing = h
	return t, nil
}

// Over makes the target's connections from now on those of d. Encryption, which
// has its own way to connect, is not affected.
func (t *Target) Over(d Dialer) { t.dial = d }

// Dial opens one connection.
func (t *Target) Dial(ctx context.Context) (*Conn, error) {
	c := t.connection()
	t.dialled.Add(1)
	if c.secure != nil {
		if err := c.secure.open(ctx); err != nil {
			return nil, err
		}
		return c, nil
	}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// connection is one that is not open yet.
func (t *Target) connection() *Conn {
	c := &Conn{target: t}
	if t.hearing.Listen != nil {
		c.stream = &stream{target: t, listener: t.hearing.Listen(), silence: t.hearing.Silence}
	}
	if t.tls != nil {
		c.secure = newSecure(t, c.stream)
	}
	return c
}

// Fetch sends one request over a connection of its own, for readiness and
// metadata. Failures are in the reply.
func Fetch(ctx context.Context, base string, r Request) record.Reply {
	t, err := NewTarget(base, []Request{r})
	if err != nil {
		return record.Reply{Outcome: record.Refused, Err: err}
	}
	t.Bound(fetched)
	c := t.connection()
	defer c.Close()
	return c.Do(ctx, 0)
}
