package load_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/record"
)

// raw is the least client there is, so that benchmarks measure the load engine
// and not a wire client: one prebuilt request, an answer of known size.
type raw struct {
	addr   string
	answer int // bytes of an answer, head and body
}

func (r raw) Dial(ctx context.Context) (load.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return nil, err
	}
	return &rawConn{Conn: c, buf: make([]byte, r.answer)}, nil
}

type rawConn struct {
	net.Conn
	buf []byte
}

var request = []byte("GET / HTTP/1.1\r\nHost: fake\r\n\r\n")

func (c *rawConn) Do(ctx context.Context, _ int) record.Reply {
	var r record.Reply
	deadline, _ := ctx.Deadline()
	err := c.SetDeadline(deadline)
	if err == nil {
		r.Sent = time.Now()
		_, err = c.Write(request)
	}
	if err == nil {
		_, err = io.ReadFull(c, c.buf)
	}
	r.Done = time.Now()
	if err == nil && !bytes.HasPrefix(c.buf, []byte("HTTP/1.1 200 ")) {
		err = errors.New("not the scripted answer")
	}
	if err != nil {
		r.Outcome, r.Err = record.Cut, err
		return r
	}
	r.First, r.Last, r.Code, r.Body = r.Done, r.Done, 200, c.buf
	return r
}
