package fake

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Framing is how an answer's end is marked.
type Framing string

const (
	Length     Framing = ""        // Content-Length
	Chunked    Framing = "chunked" // two chunks and a trailer-less end
	UntilClose Framing = "close"   // the connection's end
)

// Script says how the HTTP server answers. The zero value answers 200 with an
// empty body at once, whatever was asked.
type Script struct {
	Status  int      // 0 means 200
	Header  []string // further lines, "Name: value"
	Body    []byte   // may be nonsense: the server does not look but for Stamp and Arrival
	Framing Framing
	Delay   time.Duration   // between the request's last byte and the answer's first
	Delays  []time.Duration // instead, of one request after the other in turn
	Pause   time.Duration   // between the first and the second half of the answer's body
	Stall   Stall
	Fault   Fault
}

// HTTPServer is a running HTTP/1.1 server on a loopback port.
type HTTPServer struct {
	script   Script
	player   *player // not nil: answers by a timeline instead
	listener net.Listener
	journal  *journal
	head     []byte // of every answer
	parts    [2][]byte
	stamps   bool // the body has places for times
	done     chan struct{}
	ends     sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]struct{}
}

// HTTP starts a server: one goroutine a connection, answers built beforehand.
func HTTP(s Script) (*HTTPServer, error) {
	h, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h.script = s
	h.head, h.parts = render(s)
	h.stamps = bytes.Contains(s.Body, []byte(Stamp)) || bytes.Contains(s.Body, []byte(Arrival))
	h.ends.Go(h.accept)
	return h, nil
}

// listen makes a server that accepts nothing yet.
func listen(addr string) (*HTTPServer, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start fake http server: %w", err)
	}
	return &HTTPServer{
		listener: l,
		journal:  newJournal(),
		done:     make(chan struct{}),
		conns:    make(map[net.Conn]struct{}),
	}, nil
}

// Addr is host:port.
func (h *HTTPServer) Addr() string { return h.listener.Addr().String() }

// Arrivals returns when each request so far had arrived whole, in order.
func (h *HTTPServer) Arrivals() []time.Time {
	t := h.journal.times()
	slices.SortFunc(t, time.Time.Compare)
	return t
}

// Close ends every connection and returns when no goroutine is left.
func (h *HTTPServer) Close() error {
	close(h.done)
	err := h.listener.Close()
	h.mu.Lock()
	for c := range h.conns {
		c.Close()
	}
	h.mu.Unlock()
	h.ends.Wait()
	return err
}

// render builds the answer's head and the two halves of its body as sent.
func render(s Script) (head []byte, parts [2][]byte) {
	code := s.Status
	if code == 0 {
		code = http.StatusOK
	}
	head = fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", code, http.StatusText(code))
	for _, line := range s.Header {
		head = append(append(head, line...), "\r\n"...)
	}
	half := (len(s.Body) + 1) / 2
	parts = [2][]byte{s.Body[:half], s.Body[half:]}
	switch s.Framing {
	case Chunked:
		head = append(head, "Transfer-Encoding: chunked\r\n\r\n"...)
		parts = [2][]byte{chunk(parts[0]), append(chunk(parts[1]), "0\r\n\r\n"...)}
	case UntilClose:
		head = append(head, "Connection: close\r\n\r\n"...)
	default:
		head = fmt.Appendf(head, "Content-Length: %d\r\n\r\n", len(s.Body))
	}
	return head, parts
}

// chunk frames b; no bytes give no chunk, since an empty one would be the end.
func chunk(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(append(fmt.Appendf(nil, "%x\r\n", len(b)), b...), "\r\n"...)
}

func (h *HTTPServer) accept() {
	for {
		c, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.conns[c] = struct{}{}
		h.mu.Unlock()
		select {
		case <-h.done: // Close may have walked conns before this one was in it
			c.Close()
		default:
		}
		h.ends.Go(func() { h.serve(c) })
	}
}

func (h *HTTPServer) serve(c net.Conn) {
	defer func() {
		c.Close()
		h.mu.Lock()
		delete(h.conns, c)
		h.mu.Unlock()
	}()
	log := h.journal.open()
	r := reader{conn: c, buf: make([]byte, 4096)}
	out := make([]byte, 0, len(h.head)+len(h.script.Body)+64)
	for r.request() == nil {
		n, now, first := h.journal.arrive(log)
		if h.player != nil {
			if !h.player.play(c, now, out) {
				return
			}
			continue
		}
		if !pause(h.done, wait(now, first, h.script.delay(n), h.script.Stall)) {
			return
		}
		if h.script.Fault.hits(n) {
			h.fail(c)
			return
		}
		if !h.answer(c, out, now) || h.script.Framing == UntilClose {
			return
		}
	}
}

// delay is that of request number n, counted from 1.
func (s Script) delay(n int64) time.Duration {
	if len(s.Delays) == 0 {
		return s.Delay
	}
	return s.Delays[(n-1)%int64(len(s.Delays))]
}

// answer writes the scripted answer to a request that arrived at that time, in
// one write unless a pause is asked for.
func (h *HTTPServer) answer(c net.Conn, out []byte, arrived time.Time) bool {
	out = append(append(out, h.head...), h.parts[0]...)
	if h.script.Pause > 0 {
		if _, err := c.Write(out); err != nil || !pause(h.done, h.script.Pause) {
			return false
		}
		out = out[:0]
	}
	out = append(out, h.parts[1]...)
	if h.stamps {
		out = stamped(out, arrived)
	}
	_, err := c.Write(out)
	return err == nil
}

// fail does what the script's fault says; the caller then closes c. Write
// errors do not matter: the client is to see a broken answer anyway.
func (h *HTTPServer) fail(c net.Conn) {
	switch h.script.Fault.Kind {
	case Half, Reset:
		c.Write(slices.Concat(h.head, h.parts[0]))
		if h.script.Fault.Kind == Reset {
			reset(c, h.done)
		}
	case Garbage:
		c.Write([]byte("\x16\x03\x01 this is not HTTP \x00\xff\r\n\r\n"))
	case Silent:
		silent(c)
	}
}

// reset makes the close that follows a reset.
func reset(c net.Conn, done <-chan struct{}) {
	if t, ok := c.(*net.TCPConn); ok {
		pause(done, 20*time.Millisecond) // a reset discards what the peer has not read yet
		t.SetLinger(0)
	}
}

// silent reads and says nothing until the connection ends.
func silent(c net.Conn) {
	for b := make([]byte, 4096); ; {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

// reader finds the ends of requests in a stream of bytes.
type reader struct {
	conn net.Conn
	buf  []byte
	n    int // bytes in buf
}

// request reads one request, head and body, and forgets it.
func (r *reader) request() error {
	for {
		if end := bytes.Index(r.buf[:r.n], []byte("\r\n\r\n")); end >= 0 {
			size, err := contentLength(r.buf[:end+2])
			if err != nil {
				return err
			}
			return r.discard(end + 4 + size)
		}
		if r.n > 1<<20 {
			return fmt.Errorf("fake http server: a request's head does not end")
		}
		if r.n == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// discard drops the next size bytes of the stream.
func (r *reader) discard(size int) error {
	if size > len(r.buf) && len(r.buf) < 1<<16 {
		r.buf = append(r.buf, make([]byte, 1<<16)...) // large bodies in few reads
	}
	for size > r.n {
		size -= r.n
		r.n = 0
		if err := r.fill(); err != nil {
			return err
		}
	}
	r.n = copy(r.buf, r.buf[size:r.n])
	return nil
}

func (r *reader) fill() error {
	n, err := r.conn.Read(r.buf[r.n:])
	r.n += n
	if n > 0 {
		return nil
	}
	return err
}

// contentLength finds the body's size in a request's head; absent means 0.
func contentLength(head []byte) (int, error) {
	const name = "\r\ncontent-length:"
	for i := 0; i+len(name) <= len(head); i++ {
		if head[i] != '\r' || !bytes.EqualFold(head[i:i+len(name)], []byte(name)) {
			continue
		}
		value, _, _ := bytes.Cut(head[i+len(name):], []byte("\r\n"))
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil || n < 0 || n > 1<<40 {
			return 0, fmt.Errorf("fake http server: content-length %q is not a size", value)
		}
		return n, nil
	}
	return 0, nil
}
