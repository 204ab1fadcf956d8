package http1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"stackbench/internal/record"
)

const (
	firstBuffer = 4 << 10          // a thousand connections in 4 MB
	eventBuffer = 2 << 10          // of a stream, which is taken as it comes
	idle        = time.Millisecond // a server may have closed a connection that rested this long
)

var (
	comma   = []byte(",")
	crlf    = []byte("\r\n")
	headEnd = []byte("\r\n\r\n")
)

// Conn is one connection; it carries one request at a time and is not for use
// by several goroutines. To end a request early, cancel its context.
type Conn struct {
	target *Target
	conn   net.Conn // nil when lost: the next Do opens it again
	used   time.Time
	watch  *watch // on conn, for the last request's context; nil when there is none
	buf    []byte
	n      int       // bytes of the current answer in buf
	at     time.Time // of the last read
	both   [2][]byte
	secure *secure // not nil over TLS, and then alone in charge
	stream *stream // not nil when the target's answers are heard
}

// Do sends request seq modulo the number of requests, and returns when its
// answer has ended, ctx is done or ctx's deadline has passed. The reply's
// bytes are valid until the next Do. An answer without a body has First and
// Last at its head's end; a request that was never written has no Sent. Of a
// stream, First, Last and Output are what its listener made of it.
func (c *Conn) Do(ctx context.Context, seq int) record.Reply {
	q := c.target.request(seq)
	if c.stream != nil {
		c.stream.begin(seq)
		if !c.stream.keep && len(c.buf) > firstBuffer {
			c.buf = nil // of an answer that was kept
		}
	}
	var r record.Reply
	if c.secure != nil {
		r = c.secure.do(ctx, q)
	} else {
		r = c.do(ctx, q)
	}
	if c.stream != nil {
		c.stream.judge(&r)
	}
	return r
}

// do is Do over plain TCP.
func (c *Conn) do(ctx context.Context, q *prebuilt) record.Reply {
	var r record.Reply
	if c.watch != nil && c.watch.ctx != ctx {
		c.unwatch()
	}
	if c.conn != nil && time.Since(c.used) > idle && stale(c.conn) {
		c.drop()
	}
	if c.conn == nil {
		if err := c.open(ctx); err != nil {
			return failed(ctx, r, err, record.Refused)
		}
	}
	if c.watch == nil {
		c.watch = newWatch(ctx, c.conn)
	}
	keep, err := true, c.watch.begin()
	if err == nil {
		keep, err = c.exchange(q, &r)
	}
	if usable := c.watch.end(); !usable || !keep {
		c.drop()
	}
	if err != nil {
		return failed(ctx, r, err, record.Cut)
	}
	c.used = r.Done
	return judged(r)
}

// Close ends the connection.
func (c *Conn) Close() error {
	if c.secure != nil {
		c.secure.close()
	}
	c.drop()
	return nil
}

func (c *Conn) open(ctx context.Context) error {
	conn, err := c.target.dial(ctx, c.target.addr)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.target.addr, err)
	}
	c.conn = conn
	c.used = time.Now()
	return nil
}

func (c *Conn) drop() {
	c.unwatch()
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func (c *Conn) unwatch() {
	if c.watch != nil {
		c.watch.leave()
		c.watch = nil
	}
}

// exchange writes the request and reads its answer; keep says whether the
// connection can carry another.
func (c *Conn) exchange(q *prebuilt, r *record.Reply) (keep bool, err error) {
	r.Sent = time.Now()
	if c.stream != nil {
		c.stream.extend(c.watch, r.Sent)
	}
	sendErr := c.send(q)
	if sendErr != nil && errors.Is(sendErr, os.ErrDeadlineExceeded) {
		return false, fmt.Errorf("send request: %w", sendErr)
	}
	c.n = 0 // a server that refuses a body may answer and close before it has read it
	keep, err = c.receive(r)
	if err != nil && sendErr != nil {
		return false, fmt.Errorf("send request: %w", sendErr)
	}
	return keep && sendErr == nil, err
}

func (c *Conn) send(q *prebuilt) error {
	if q.body == nil {
		_, err := c.conn.Write(q.head)
		return err
	}
	c.both = [2][]byte{q.head, q.body}
	buffers := net.Buffers(c.both[:])
	_, err := buffers.WriteTo(c.conn)
	return err
}

// receive reads one answer, interim ones skipped.
func (c *Conn) receive(r *record.Reply) (keep bool, err error) {
	for {
		end, err := c.readHead()
		if err != nil {
			return false, fmt.Errorf("read answer's head: %w", err)
		}
		h, err := parseHead(c.buf[:end])
		if err != nil {
			return false, fmt.Errorf("read answer's head: %w", err)
		}
		if h.interim() {
			c.n = copy(c.buf, c.buf[end:c.n])
			continue
		}
		r.Code = h.code
		if most := c.target.most(); h.length > int64(most) {
			return false, oversize(most)
		}
		read := c.readBody
		if c.stream != nil && h.good() {
			read = c.hear
		}
		size, used, err := read(h, end, r)
		r.Head, r.Body = c.buf[:end:end], c.buf[end:end+size:end+size]
		if err != nil {
			return false, fmt.Errorf("read answer's body: %w", err)
		}
		return !h.close && used == c.n, nil
	}
}

// readHead reads up to the empty line and returns where the body begins.
func (c *Conn) readHead() (int, error) {
	for scanned := 0; ; {
		if !plausible(c.buf[:c.n]) {
			return 0, malformedf("%.40q is not HTTP/1.1", string(c.buf[:c.n]))
		}
		if i := bytes.Index(c.buf[scanned:c.n], headEnd); i >= 0 {
			return scanned + i + len(headEnd), nil
		}
		if bareLF(c.buf[:c.n], scanned) {
			return 0, errBareLF // the empty line would be waited for in vain
		}
		if c.n > maxHead {
			return 0, malformed("the head does not end")
		}
		scanned = max(0, c.n-len(headEnd)+1)
		if err := c.fill(0); err != nil {
			return 0, unexpected(err)
		}
	}
}

// readBody reads the body into buf[end:], without its transfer coding, and
// returns its size and where the answer's raw bytes end.
func (c *Conn) readBody(h head, end int, r *record.Reply) (size, used int, err error) {
	switch {
	case h.chunked:
		return c.readChunks(end, r)
	case h.length >= 0:
		size, err = c.readLength(end, int(h.length), r)
		return size, end + size, err
	}
	return c.readToEnd(end, r)
}

func (c *Conn) readLength(end, length int, r *record.Reply) (int, error) {
	want := end + length
	if c.n > end {
		r.First = c.at
	}
	for c.n < want {
		if err := c.fill(want); err != nil {
			return c.n - end, unexpected(err)
		}
		if r.First.IsZero() {
			r.First = c.at
		}
	}
	if length == 0 {
		r.First = c.at
	}
	r.Last, r.Done = c.at, c.at
	return length, nil
}

func (c *Conn) readChunks(end int, r *record.Reply) (size, used int, err error) {
	d := dechunker{read: end, write: end, limit: c.target.most(), start: end}
	for {
		before := d.write
		if err := d.step(c.buf, c.n); err != nil {
			return d.write - end, c.n, err
		}
		if d.write > before {
			if r.First.IsZero() {
				r.First = c.at
			}
			r.Last = c.at
		}
		if d.state == chunksDone {
			return d.write - end, d.read, c.ended(r)
		}
		if c.n == len(c.buf) { // move what is raw down to what is decoded
			c.n = d.write + copy(c.buf[d.write:], c.buf[d.read:c.n])
			d.read = d.write
		}
		if err := c.fill(0); err != nil {
			return d.write - end, c.n, unexpected(err)
		}
	}
}

func (c *Conn) readToEnd(end int, r *record.Reply) (size, used int, err error) {
	for {
		if c.n > end && r.First.IsZero() {
			r.First = c.at
		}
		if c.n > end {
			r.Last = c.at
		}
		if most := c.target.most(); c.n-end > most {
			return most, c.n, oversize(most)
		}
		if err := c.fill(0); errors.Is(err, io.EOF) {
			c.at = time.Now()
			return c.n - end, c.n, c.ended(r)
		} else if err != nil {
			return c.n - end, c.n, err
		}
	}
}

// ended stamps the clean end of an answer whose last byte of content may lie
// before it.
func (c *Conn) ended(r *record.Reply) error {
	r.Done = c.at
	if r.First.IsZero() {
		r.First, r.Last = c.at, c.at
	}
	return nil
}

// fill reads more of the answer and stamps it. The buffer grows with what has
// come, not with what is announced: want bytes in all are taken as a hint only.
func (c *Conn) fill(want int) error {
	if c.n == len(c.buf) {
		size := firstBuffer
		if c.stream != nil {
			size = eventBuffer
		}
		size = max(size, 2*len(c.buf))
		if want > size && want <= 1<<20 {
			size = want
		}
		c.buf = append(make([]byte, 0, size), c.buf...)[:size]
	}
	n, err := c.conn.Read(c.buf[c.n:])
	c.at = time.Now()
	c.n += n
	if n > 0 {
		return nil // an error beside bytes comes again
	}
	if c.stream != nil {
		err = c.stream.judgeRead(c.watch, err, c.at)
	}
	return err
}

// unexpected makes an end inside an answer say so.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
