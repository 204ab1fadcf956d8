package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// A server that ends lines by a line feed alone is told of at once, not when the
// request's time is over: the connection stays open, and nothing more comes.
func TestBareLineFeedsAreNotWaitedOn(t *testing.T) {
	for raw, want := range map[string]string{
		"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}":                                    "a line of the head ends without a carriage return",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\n":                                      "a line of the head ends without a carriage return",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n":           "a line of the chunked coding ends without a carriage return",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\n":              "longer than its size line says",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\n": "a line of the chunked coding ends without a carriage return",
	} {
		here, there := net.Pipe()
		target, err := NewTarget("host:1", []Request{post})
		require.NoError(t, err)
		target.Over(func(context.Context, string) (net.Conn, error) { return here, nil })
		c, err := target.Dial(t.Context())
		require.NoError(t, err)
		go func() {
			_, _ = http.ReadRequest(bufio.NewReader(there))
			_, _ = io.WriteString(there, raw)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r := c.Do(ctx, 0)
		cancel()
		require.Equal(t, record.Malformed, r.Outcome, "%q: %v", raw, r.Err)
		require.ErrorContains(t, r.Err, want)
		require.NoError(t, there.Close())
	}
}

// scripted is a net.Conn that swallows requests and yields prepared reads.
type scripted struct {
	net.Conn
	reads [][]byte
}

func (s *scripted) Write(b []byte) (int, error)     { return len(b), nil }
func (s *scripted) Close() error                    { return nil }
func (s *scripted) SetDeadline(time.Time) error     { return nil }
func (s *scripted) SetReadDeadline(time.Time) error { return nil }
func (s *scripted) Read(b []byte) (n int, err error) {
	for len(s.reads) > 0 && len(s.reads[0]) == 0 {
		s.reads = s.reads[1:]
	}
	if len(s.reads) == 0 {
		return 0, io.EOF
	}
	n = copy(b, s.reads[0])
	s.reads[0] = s.reads[0][n:]
	return n, nil
}

// pieces is a connection over which raw arrives in pieces of that size.
func pieces(raw []byte, size int) *scripted {
	s := &scripted{}
	for b := raw; len(b) > 0; {
		n := min(size, len(b))
		s.reads = append(s.reads, b[:n:n])
		b = b[n:]
	}
	return s
}

// answer runs one exchange over bytes that arrive in pieces of that size.
func answer(raw []byte, piece int) (record.Reply, *Conn) {
	s := pieces(raw, piece)
	target, err := NewTarget("host:1", []Request{post})
	if err != nil {
		panic(err)
	}
	c := &Conn{target: target, conn: s, used: time.Now()}
	return c.Do(context.Background(), 0), c
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		raw     string
		outcome record.Outcome
		body    string
		keep    bool
	}{
		"100 first":          {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"no reason":          {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"1.0":                {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", false},
		"1.0 keep-alive":     {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"close in a list":    {"HTTP/1.1 200 OK\r\nConnection: Upgrade, Close\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", false},
		"a list of others":   {"HTTP/1.1 200 OK\r\nConnection: closed, X-close\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"close, then not":    {"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", false},
		"1.0 in a list":      {"HTTP/1.0 200 OK\r\nConnection: X, Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"a list of a length": {"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", record.Good, "hi", true},
		"two in a list":      {"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi", record.Malformed, "", false},
		"half a list":        {"HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nhi", record.Malformed, "", false},
		"no encoding":        {"HTTP/1.1 200 OK\r\nContent-Encoding:\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"204":                {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", record.Good, "", true},
		"extension, trailer": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n", record.Good, "hi", true},
		"both framings":      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", record.Good, "hi", false},
		"unasked bytes":      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK", record.Good, "hi", false},
		"same length twice":  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", record.Good, "hi", true},
		"redirect":           {"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", record.Status, "", true},
		"two lengths":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", record.Malformed, "", false},
		"negative length":    {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", record.Malformed, "", false},
		"huge length":        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhi", record.Oversize, "", false},
		"endless length":     {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhi", record.Malformed, "", false},
		"huge chunk":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\nhi", record.Oversize, "", false},
		"no chunk size":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhi", record.Malformed, "", false},
		"chunk too long":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi there\r\n", record.Malformed, "hi", false},
		"gzip":               {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", record.Malformed, "", false},
		"transfer gzip":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", record.Malformed, "", false},
		"switch":             {"HTTP/1.1 101 Switching Protocols\r\n\r\n", record.Malformed, "", false},
		"folded line":        {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nhi", record.Malformed, "", false},
		"blank before colon": {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", record.Malformed, "", false},
		"status in words":    {"HTTP/1.1 abc OK\r\n\r\n", record.Malformed, "", false},
		"status too long":    {"HTTP/1.1 2000 OK\r\n\r\n", record.Malformed, "", false},
		"bare line feed":     {"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi", record.Malformed, "", false},
		"chunks in 1.0":      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", record.Malformed, "", false},
		"http 2":             {"HTTP/2 200\r\n\r\n", record.Malformed, "", false},
		"endless head":       {"HTTP/1.1 200 OK\r\n" + string(bytes.Repeat([]byte("A: b\r\n"), 20_000)), record.Malformed, "", false},
		"short head":         {"HTTP/1.1 200 OK\r\nContent-", record.Cut, "", false},
		"short body":         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", record.Cut, "hi", false},
		"nothing":            {"", record.Cut, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 2, 3, 7, 1 << 20} {
				r, conn := answer([]byte(c.raw), piece)
				require.Equal(t, c.outcome, r.Outcome, "in pieces of %d: %v", piece, r.Err)
				require.Equal(t, c.body, string(r.Body))
				if c.outcome == record.Good && piece == 1<<20 {
					require.Equal(t, c.keep, conn.conn != nil)
				}
			}
		})
	}
}

// FuzzAnswer holds the parser to net/http's: whatever both accept, they read
// alike. The number of pieces that the bytes arrive in must not matter.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 3)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"), 1)
	f.Add([]byte("HTTP/1.1 503 Full\r\nConnection: close\r\n\r\nno"), 2)
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nx"), 4)
	f.Add([]byte("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"), 5)
	f.Fuzz(func(t *testing.T, raw []byte, piece int) {
		whole, _ := answer(raw, 1<<30)
		r, c := answer(raw, max(1, piece%64))
		require.Equal(t, whole.Outcome, r.Outcome, "%v, %v", whole.Err, r.Err)
		require.True(t, bytes.Equal(whole.Body, r.Body))
		require.LessOrEqual(t, len(c.buf), max(firstBuffer, 4*len(raw)), "memory follows what came")
		if r.Outcome != record.Good && r.Outcome != record.Status {
			require.Error(t, r.Err)
			return
		}
		inOrder(t, r)
		judge(t, raw, r)
	})
}

func judge(t *testing.T, raw []byte, r record.Reply) {
	from := bufio.NewReader(bytes.NewReader(raw))
	for {
		want, err := http.ReadResponse(from, nil)
		if err != nil {
			return // net/http is the stricter one here
		}
		if want.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(want.Body)
		require.Equal(t, want.StatusCode, r.Code)
		if err == nil && want.StatusCode != 204 && want.StatusCode != 304 {
			require.True(t, bytes.Equal(body, r.Body), "net/http reads %q, we %q", body, r.Body)
		}
		return
	}
}
