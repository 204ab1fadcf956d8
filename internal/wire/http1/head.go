package http1

import (
	"bytes"
	"fmt"
)

// malformed says why bytes are not an answer of this protocol.
type malformed string

func (m malformed) Error() string { return string(m) }

func malformedf(format string, args ...string) malformed {
	quoted := make([]any, len(args))
	for i, a := range args {
		quoted[i] = a
	}
	return malformed(fmt.Sprintf(format, quoted...))
}

// head is what the client must know of an answer's head.
type head struct {
	code    int
	length  int64 // of the body; -1 when the head does not say
	chunked bool
	close   bool // the server closes the connection after this answer
	stays   bool // HTTP/1.0: it says that it does not
	old     bool // HTTP/1.0
}

const version = "HTTP/1."

// plausible reports whether b may be the beginning of an answer, so that
// nonsense is refused at once and not when a line end fails to come.
func plausible(b []byte) bool {
	n := min(len(b), len(version))
	return string(b[:n]) == version[:n]
}

// parseHead reads a head that ends in an empty line.
func parseHead(b []byte) (head, error) {
	if bareLF(b, 0) { // others would see lines here that this parser does not
		return head{}, errBareLF
	}
	line, rest, _ := bytes.Cut(b, crlf)
	h, err := parseStatus(line)
	if err != nil {
		return h, err
	}
	for {
		line, rest, _ = bytes.Cut(rest, crlf)
		if len(line) == 0 {
			return h, h.settle()
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || line[0] == ' ' || line[0] == '\t' || line[colon-1] == ' ' {
			return h, malformedf("%.80q is not a header line", string(line))
		}
		if err := h.field(line[:colon], bytes.TrimSpace(line[colon+1:])); err != nil {
			return h, err
		}
	}
}

const errBareLF = malformed("a line of the head ends without a carriage return")

// bareLF reports whether a line feed in b[from:] has no carriage return before it.
func bareLF(b []byte, from int) bool {
	for i := from; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return false
		}
		if i += n; i == 0 || b[i-1] != '\r' {
			return true
		}
	}
	return false
}

// parseStatus reads "HTTP/1.x NNN reason".
func parseStatus(line []byte) (head, error) {
	h := head{length: -1}
	if len(line) < 12 || !plausible(line) || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return h, malformedf("%.80q is not an HTTP/1.1 status line", string(line))
	}
	for _, d := range line[9:12] {
		if d < '0' || d > '9' {
			return h, malformedf("%.80q is not an HTTP/1.1 status line", string(line))
		}
		h.code = h.code*10 + int(d-'0')
	}
	if h.code < 100 {
		return h, malformedf("%.80q is not an HTTP/1.1 status line", string(line))
	}
	h.old = line[7] == '0'
	return h, nil
}

// field takes in one header line; the name's length tells most lines apart.
func (h *head) field(name, value []byte) error {
	switch len(name) {
	case len("content-length"):
		if is(name, "content-length") {
			for more := true; more; { // a list of one and the same length, as proxies make it (RFC 9110, 8.6)
				var one []byte
				one, value, more = bytes.Cut(value, comma)
				if err := h.setLength(bytes.TrimSpace(one)); err != nil {
					return err
				}
			}
		}
	case len("connection"):
		if is(name, "connection") {
			h.close = h.close || listed(value, "close")
			h.stays = h.stays || listed(value, "keep-alive")
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			if !is(value, "chunked") || h.chunked {
				return malformedf("transfer-encoding %.80q is not chunked", string(value))
			}
			h.chunked = true
		}
	case len("content-encoding"):
		if is(name, "content-encoding") && len(value) > 0 && !is(value, "identity") {
			return malformedf("the body is compressed (%.80q), which was not asked for", string(value))
		}
	}
	return nil
}

func (h *head) setLength(value []byte) error {
	var n int64
	if len(value) == 0 || len(value) > 18 {
		return malformedf("content-length %.80q is not a size", string(value))
	}
	for _, d := range value {
		if d < '0' || d > '9' {
			return malformedf("content-length %.80q is not a size", string(value))
		}
		n = n*10 + int64(d-'0')
	}
	if h.length >= 0 && h.length != n {
		return malformed("two content-lengths that differ")
	}
	h.length = n
	return nil
}

// settle decides between the lines that contradict each other (RFC 9112, 6.3).
func (h *head) settle() error {
	if h.code == 101 {
		return malformed("status 101: the server switched to another protocol, which was not asked for")
	}
	h.close = h.close || h.old && !h.stays
	if h.interim() || h.code == 204 || h.code == 304 {
		h.length, h.chunked = 0, false
		return nil
	}
	if h.chunked && h.old {
		return malformed("a chunked body in HTTP/1.0")
	}
	if h.chunked {
		h.close = h.close || h.length >= 0 // both framings: trust neither for a second answer
		h.length = -1
	} else if h.length < 0 {
		h.close = true
	}
	return nil
}

// good says that the request was granted.
func (h *head) good() bool { return h.code >= 200 && h.code <= 299 }

// interim answers precede the real one.
func (h *head) interim() bool { return h.code < 200 }

// listed looks for a word in a list (RFC 9110, 5.6.1).
func listed(list []byte, want string) bool {
	for more := true; more; {
		var word []byte
		word, list, more = bytes.Cut(list, comma)
		if is(bytes.TrimSpace(word), want) {
			return true
		}
	}
	return false
}

// is compares ASCII without regard to case; want is in lower case.
func is(b []byte, want string) bool {
	if len(b) != len(want) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// Value returns the value of the first header line of that name (in lower
// case) in a raw head, as record.Reply and record.Answer keep it.
func Value(head []byte, name string) (string, bool) {
	_, rest, _ := bytes.Cut(head, crlf)
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, crlf)
		if k, v, ok := bytes.Cut(line, []byte(":")); ok && is(k, name) {
			return string(bytes.TrimSpace(v)), true
		}
	}
	return "", false
}
