package wsgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
)

const (
	mostKept   = 16 << 20         // of an answer's messages, together
	maxMessage = 1 << 20          // of the server's: as an event of server-sent events
	rest       = 10 * time.Second // after which a connection is opened anew: nobody answered the server's pings
)

// Target is a server and the messages that its connections send in turn.
type Target struct {
	url      string
	requests [][]byte
	next     func(seq int) []byte // nil: the requests in turn
	client   *http.Client
	silence  time.Duration
	dialled  atomic.Int64
}

// NewTarget prepares messages (see Encode) for the server at host:port, or at
// http:// or https://host:port, with a path prefix or without.
func NewTarget(base string, requests [][]byte) (*Target, error) {
	if len(requests) == 0 {
		return nil, fmt.Errorf("prepare requests for %s: there are none", base)
	}
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("server address %q: want host:port or http[s]://host:port", base)
	}
	transport := &http.Transport{Proxy: nil, DisableCompression: true}
	return &Target{
		url:      u.JoinPath(Path).String(),
		requests: requests,
		client:   &http.Client{Transport: transport},
		silence:  generation.Silence,
	}, nil
}

// Conn is one connection; it carries one request at a time and is not for use
// by several goroutines.
type Conn struct {
	target *Target
	socket *websocket.Conn // nil when lost: the next Do opens it again
	used   time.Time
	tally  generation.Tally
	buf    bytes.Buffer // the message under way
	body   []byte       // messages of an answer that is to be kept, a line each
}

// Dial opens one connection.
func (t *Target) Dial(ctx context.Context) (*Conn, error) {
	c := &Conn{target: t}
	t.dialled.Add(1)
	if _, err := c.open(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// open connects; an answer that refuses has its status.
func (c *Conn) open(ctx context.Context) (status int, err error) {
	socket, answer, err := websocket.Dial(ctx, c.target.url, &websocket.DialOptions{HTTPClient: c.target.client})
	if err != nil {
		if answer != nil {
			status = answer.StatusCode
		}
		return status, fmt.Errorf("connect to %s: %w", c.target.url, err)
	}
	socket.SetReadLimit(maxMessage)
	c.socket, c.used = socket, time.Now()
	return 0, nil
}

// Close ends the connection at once.
func (c *Conn) Close() error {
	if c.socket != nil {
		_ = c.socket.CloseNow() // an error says that it is closed
		c.socket = nil
	}
	return nil
}

// Do sends request seq modulo the number of requests, and returns when its
// answer has ended, ctx is done or ctx's deadline has passed, or nothing came
// for 30 s. The reply's bytes, a message a line, are valid until the next Do.
func (c *Conn) Do(ctx context.Context, seq int) record.Reply {
	if time.Since(c.used) > rest {
		_ = c.Close()
	}
	if c.socket == nil {
		if status, err := c.open(ctx); err != nil {
			return refused(ctx, status, err)
		}
	}
	keep := record.Whole(seq, int(c.target.dialled.Load()))
	c.body = c.body[:0]
	if !keep {
		c.body = nil
	}
	ctx, leave := context.WithCancelCause(ctx)
	quiet := time.AfterFunc(c.target.silence, func() { leave(errSilent) })
	defer quiet.Stop()
	defer leave(nil)
	r := record.Reply{Sent: time.Now(), Unkept: !keep}
	c.tally.Begin()
	last, err := c.exchange(ctx, c.target.request(seq), quiet, keep)
	r.Done, r.Body = time.Now(), c.body
	c.used = r.Done
	if err != nil {
		_ = c.Close()
		r.Outcome, r.Err = outcome(ctx, err), err
	}
	c.tally.End(&r)
	if n := code(last); r.Outcome == record.Fault && len(r.Output.Chunks) == 0 && n > 0 {
		r.Outcome, r.Code = record.Status, n // as a refusal over HTTP
	}
	return r
}

// exchange sends the request and hears messages up to the answer's last, which
// it returns.
func (c *Conn) exchange(ctx context.Context, request []byte, quiet *time.Timer, keep bool) ([]byte, error) {
	if err := c.socket.Write(ctx, websocket.MessageText, request); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	for {
		kind, message, err := c.socket.Reader(ctx)
		if err == nil {
			c.buf.Reset()
			_, err = c.buf.ReadFrom(message)
		}
		if err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		at := time.Now()
		if kind != websocket.MessageText {
			return nil, errBinary
		}
		quiet.Reset(c.target.silence)
		data := c.buf.Bytes()
		m := mark(data)
		c.tally.Add(m, data, at)
		if keep && len(c.body) > mostKept {
			return nil, errLarge
		}
		if keep {
			c.body = append(append(c.body, data...), '\n')
		}
		if m.End || m.Fault {
			return data, nil
		}
	}
}

var (
	errSilent = errors.New("nothing came for 30 s")
	errLarge  = fmt.Errorf("the messages pass the %d bytes that a text may have", mostKept)
	errBinary = errors.New("a binary message, where the contract has text")
)

// outcome tells whose fault a failed exchange was.
func outcome(ctx context.Context, err error) record.Outcome {
	switch {
	case errors.Is(err, errLarge):
		return record.Oversize
	case errors.Is(err, errBinary), errors.Is(err, websocket.ErrMessageTooBig):
		return record.Malformed
	case errors.Is(context.Cause(ctx), errSilent):
		return record.Silent
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return record.Timeout
	case ctx.Err() != nil:
		return record.Cancelled
	}
	return record.Cut
}

// refused is the reply of a request that has no connection.
func refused(ctx context.Context, status int, err error) record.Reply {
	r := record.Reply{Done: time.Now(), Err: err, Outcome: record.Refused}
	var late net.Error
	switch {
	case status != 0:
		r.Outcome, r.Code = record.Status, status
	case errors.Is(ctx.Err(), context.Canceled):
		r.Outcome = record.Cancelled
	case ctx.Err() != nil, errors.As(err, &late) && late.Timeout():
		r.Outcome = record.Timeout
	}
	return r
}
