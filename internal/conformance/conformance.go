// Package conformance reads fixtures of streaming answers: scripts of what a
// server sends and when, with what a client must make of it. docs/conformance.md
// describes the format.
package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"stackbench/internal/fake"
)

// Fixture is one script.
type Fixture struct {
	About    string // what it is a test of
	Timeline fake.Timeline
	Expect   Expect
}

// Expect is what a client must make of it.
type Expect struct {
	Contract string   // openai-completions, openai-chat or tgi
	Lines    []string // "name: value", as Lines are written by who measures
}

// Load reads a fixture's file.
func Load(path string) (Fixture, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Fixture{}, fmt.Errorf("read fixture: %w", err)
	}
	f, err := Parse(b)
	if err != nil {
		return Fixture{}, fmt.Errorf("fixture %s: %w", path, err)
	}
	return f, nil
}

// Parse reads a fixture. Its archive's files are, in this order: expect, one
// head, any number of at, and one end, cut, reset or hang.
func Parse(b []byte) (Fixture, error) {
	if bytes.Contains(b, []byte("\r\n")) { // a stream that has them quotes them
		return Fixture{}, errors.New("the file has CRLF line ends: check it out with LF (git config core.autocrlf false)")
	}
	archive := txtar.Parse(b)
	f := Fixture{About: strings.TrimSpace(string(archive.Comment))}
	p := parser{fixture: &f, next: []string{"expect"}}
	for _, file := range archive.Files {
		if err := p.file(file); err != nil {
			return f, fmt.Errorf("%q: %w", file.Name, err)
		}
	}
	if len(p.next) > 0 {
		return f, fmt.Errorf("there is no %s", strings.Join(p.next, " or "))
	}
	return f, f.Timeline.Check()
}

type parser struct {
	fixture *Fixture
	next    []string // what may come next
}

func (p *parser) file(file txtar.File) error {
	words := strings.Fields(file.Name)
	if len(words) == 0 || !slices.Contains(p.next, words[0]) {
		if len(p.next) == 0 {
			return errors.New("nothing may follow the end")
		}
		return fmt.Errorf("want %s here", strings.Join(p.next, " or "))
	}
	if words[0] == "expect" {
		p.next = []string{"head"}
		return p.expect(file.Data)
	}
	if len(words) < 2 {
		return errors.New("it does not say when")
	}
	at, err := time.ParseDuration(words[1])
	if err != nil || at < 0 {
		return fmt.Errorf("%q is no time since the request's arrival, such as 20ms", words[1])
	}
	t := &p.fixture.Timeline
	switch words[0] {
	case "head":
		p.next = []string{"at", string(fake.Clean), string(fake.CutOff), string(fake.Resets), string(fake.Hanging)}
		t.Head = at
		return p.head(file.Data)
	case "at":
		data, err := content(file.Data, words[2:])
		t.Parts = append(t.Parts, fake.Part{At: at, Bytes: data})
		return err
	default:
		p.next = nil
		t.End, t.EndAt = fake.Ending(words[0]), at
		return nil
	}
}

func (p *parser) expect(data []byte) error {
	e := &p.fixture.Expect
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, ": ")
		switch {
		case line == "":
		case !ok:
			return fmt.Errorf("%q is not a name and a value", line)
		case name == "contract":
			e.Contract = value
		default:
			e.Lines = append(e.Lines, line)
		}
	}
	if e.Contract == "" || len(e.Lines) == 0 {
		return errors.New("it names no contract, or expects nothing")
	}
	return nil
}

// head reads the status line and header lines.
func (p *parser) head(data []byte) error {
	t := &p.fixture.Timeline
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	version, status, _ := strings.Cut(lines[0], " ")
	code, _, _ := strings.Cut(status, " ")
	var err error
	if t.Status, err = strconv.Atoi(code); err != nil || version != "HTTP/1.1" || http.StatusText(t.Status) == "" {
		return fmt.Errorf("%q is not a status line such as HTTP/1.1 200 OK", lines[0])
	}
	t.Framing = fake.Length
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return fmt.Errorf("%q is not a header line", line)
		}
		switch lower := strings.ToLower(name); {
		case lower == "transfer-encoding" && value == "chunked":
			t.Framing = fake.Chunked
		case lower == "connection" && value == "close":
			t.Framing = fake.UntilClose
		case lower == "transfer-encoding" || lower == "content-length" || lower == "connection":
			return fmt.Errorf("%q: an answer is framed by Transfer-Encoding: chunked, by Connection: close, or else by a length that is counted", line)
		default:
			t.Header = append(t.Header, line)
		}
	}
	return nil
}

const largest = 64 << 20 // bytes that a repetition may come to

// content is a part's bytes: the file's; of a quoted one, what its lines quote;
// of a repeated one, its first line over and over, up to a size.
func content(data []byte, how []string) ([]byte, error) {
	switch {
	case len(how) == 0:
		return data, nil
	case len(how) == 1 && how[0] == "quoted":
		var out []byte
		for line := range strings.Lines(string(data)) {
			text, err := strconv.Unquote(strings.TrimSpace(line))
			if err != nil {
				return nil, fmt.Errorf("%.60q is not a quoted string", line)
			}
			out = append(out, text...)
		}
		return out, nil
	case len(how) == 2 && how[0] == "repeat":
		size, err := strconv.Atoi(how[1])
		line, _, _ := bytes.Cut(data, []byte("\n"))
		if err != nil || size < 1 || size > largest || len(line) == 0 {
			return nil, fmt.Errorf("repeat a line that is not empty to a size from 1 to %d", largest)
		}
		return bytes.Repeat(line, size/len(line)+1)[:size], nil
	}
	return nil, fmt.Errorf("%q is neither quoted nor repeat SIZE", strings.Join(how, " "))
}
