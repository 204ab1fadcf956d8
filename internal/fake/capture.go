package fake

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Capture makes a script of an answer that a real server gave, as it came over
// the wire: status line, header lines, an empty line, body. What is sent again
// has the same status, header lines and body; only the framing and the
// connection's end are the fake's own.
func Capture(raw []byte) (Script, error) {
	head, _, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return Script{}, fmt.Errorf("replay a capture: there is no end of its head")
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		return Script{}, fmt.Errorf("replay a capture: %w", err)
	}
	defer answer.Body.Close()
	s := Script{Status: answer.StatusCode}
	if s.Body, err = io.ReadAll(answer.Body); err != nil {
		return Script{}, fmt.Errorf("replay a capture: its body: %w", err)
	}
	for _, line := range strings.Split(string(head), "\r\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "content-length", "connection":
		case "transfer-encoding":
			s.Framing = Chunked
		default:
			s.Header = append(s.Header, line)
		}
	}
	return s, nil
}
