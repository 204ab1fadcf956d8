package sse

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// told is an event as the tests compare it.
type told struct{ kind, data string }

// scanned feeds b in pieces that end at cuts, as reads would, and returns the
// events and what was left.
func scanned(b []byte, cuts ...int) ([]told, string, error) {
	var s Scanner
	var out []told
	taken := 0
	for _, cut := range append(cuts, len(b)) {
		for {
			e, n, err := s.Scan(b[taken:cut])
			if err != nil {
				return out, "", err
			}
			if n == 0 {
				break
			}
			taken += n
			if e.Data != nil {
				out = append(out, told{string(e.Type), string(e.Data)})
			}
		}
	}
	return out, string(b[taken:]), nil
}

func TestScan(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, c := range map[string]struct {
		body string
		want []told
		left string
	}{
		"nothing":                {},
		"one":                    {body: "data: a\n\n", want: []told{{"", "a"}}},
		"no space":               {body: "data:a\n\n", want: []told{{"", "a"}}},
		"only one space goes":    {body: "data:  a \n\n", want: []told{{"", " a "}}},
		"two":                    {body: "data: a\n\ndata: b\n\n", want: []told{{"", "a"}, {"", "b"}}},
		"crlf":                   {body: "data: a\r\n\r\ndata: b\r\n\r\n", want: []told{{"", "a"}, {"", "b"}}},
		"cr":                     {body: "data: a\r\rdata: b\r\r", want: []told{{"", "a"}, {"", "b"}}},
		"mixed line ends":        {body: "data: a\r\ndata: b\n\rdata: c\r\n\n", want: []told{{"", "a\nb"}, {"", "c"}}},
		"several lines":          {body: "data: a\ndata: b\ndata\n\n", want: []told{{"", "a\nb\n"}}},
		"type, id and others":    {body: "id: 7\nevent: error\nretry: 9\nnonsense\ndata: a\n\n", want: []told{{"error", "a"}}},
		"type ends with event":   {body: "event: error\n\ndata: a\n\n", want: []told{{"", "a"}}},
		"comments":               {body: ": keep-alive\n\n:\n\ndata: a\n: within\n\n: after\n\n", want: []told{{"", "a"}}},
		"split UTF-8":            {body: "data: é€😀\n\n", want: []told{{"", "é€😀"}}},
		"byte order mark":        {body: "\xef\xbb\xbfdata: a\n\n", want: []told{{"", "a"}}},
		"half a mark is no mark": {body: "\xef\xbbdata: a\n\n"},
		"a mark inside":          {body: "data: \xef\xbb\xbf\n\n", want: []told{{"", "\xef\xbb\xbf"}}},
		"empty data":             {body: "data:\n\n", want: []told{{"", ""}}},
		"a line over 64 KiB":     {body: "data: " + long + "\n\n", want: []told{{"", long}}},
		"colons in data":         {body: "data: a:b: c\n\n", want: []told{{"", "a:b: c"}}},
		"cut inside an event":    {body: "data: a\n\ndata: b\n", want: []told{{"", "a"}}, left: "data: b\n"},
		"cut inside a line":      {body: "data: a\n\ndat", want: []told{{"", "a"}}, left: "dat"},
		"many empty lines":       {body: "\n\n\n\ndata: a\n\n\n\n", want: []told{{"", "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(c.body)
			check := func(cuts ...int) {
				got, left, err := scanned(body, cuts...)
				require.NoError(t, err)
				require.Equal(t, c.want, got, "cut at %v", cuts)
				require.Equal(t, c.left, left, "cut at %v", cuts)
			}
			check()
			for i := range min(len(body), 200) {
				check(i)
			}
			if len(body) < 200 {
				var every []int
				for i := range body {
					every = append(every, i)
				}
				check(every...)
			}
		})
	}
}

func TestAnEventHasABound(t *testing.T) {
	for name, body := range map[string][]byte{
		"10 MB without a line end": bytes.Repeat([]byte("x"), 10<<20),
		"10 MB of data lines":      bytes.Repeat([]byte("data: x\n"), 10<<17),
	} {
		var cuts []int
		for i := 4096; i < len(body); i += 4096 {
			cuts = append(cuts, i)
		}
		_, _, err := scanned(body, cuts...)
		require.ErrorContains(t, err, "an event of over 1048576 bytes", name)
	}
	events, _, err := scanned(bytes.Repeat([]byte(": keep-alive\n"), 1<<17))
	require.NoError(t, err, "comments are let go")
	require.Empty(t, events)
}

func TestResetForgets(t *testing.T) {
	var s Scanner
	_, n, err := s.Scan([]byte("event: error\ndata: a\ndata: b"))
	require.NoError(t, err)
	require.Zero(t, n)
	s.Reset()
	e, _, err := s.Scan([]byte("data: c\n\n"))
	require.NoError(t, err)
	require.Equal(t, Event{Data: []byte("c")}, e)
}

// whole is the living standard's algorithm over a stream that is there at once.
func whole(b []byte) []told {
	text := strings.TrimPrefix(string(b), "\xef\xbb\xbf")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	var out []told
	var data []string
	kind := ""
	for _, line := range lines[:len(lines)-1] { // the last one has no end
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if data != nil {
				out = append(out, told{kind, strings.Join(data, "\n")})
			}
			data, kind = nil, ""
		case name == "data":
			data = append(data, value)
		case name == "event":
			kind = value
		}
	}
	return out
}

// Each gives the event that the body's end ends, too, and nothing of a line that
// is none.
func TestTheBodysEndEndsAnEvent(t *testing.T) {
	for body, want := range map[string][]string{
		"data: a\n\ndata: b":                {"a", "b"},
		"data: a\n\ndata: b\n":              {"a", "b"},
		"data: a\r\n\r\ndata: b\r\n":        {"a", "b"},
		"data: a\r":                         {"a"},
		"data: a\ndata: b":                  {"a\nb"},
		"data: a\n\n: c":                    {"a"},
		"data: a\n\nevent: error":           {"a"},
		"data: a\n\n":                       {"a"},
		"data: a\n\n\n":                     {"a"},
		"\xef\xbb":                          nil,
		"\xef\xbb\xbfdata: a":               {"a"},
		": keep-alive\nid: 3\ndata: [DONE]": {"[DONE]"},
	} {
		var got []string
		require.NoError(t, Each([]byte(body), func(e Event) error {
			got = append(got, string(e.Data))
			return nil
		}))
		require.Equal(t, want, got, "%q", body)
	}
}

// However a stream is cut into reads, its events are those of the standard.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "data:a\r\n\r\n", ": c\n\ndata: a\ndata: b\n\n", "\xef\xbb\xbfevent: e\rdata\r\r\n", "data: é\r\rdata: [DONE]\n\n", "\r\n\n\rdata: x\r",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		if len(b) > 1<<16 {
			t.Skip()
		}
		var cuts []int
		for i := 0; i < len(b); i += int(step) + 1 {
			cuts = append(cuts, i)
		}
		got, _, err := scanned(b, cuts...)
		require.NoError(t, err)
		require.Equal(t, whole(b), got)
	})
}
