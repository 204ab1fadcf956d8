package wsgen

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
)

// The engine drives these connections without either package knowing the other.
var _ load.Conn = (*Conn)(nil)

// block is what docs/wsgen.md shows between two marks.
func block(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/wsgen.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(page), "<!-- "+name+" -->\n```json\n")
	require.True(t, ok)
	text, _, ok := strings.Cut(rest, "```\n<!-- /"+name+" -->\n")
	require.True(t, ok)
	return text
}

// TestThePageIsTheContract: what the page shows is what is sent and understood.
func TestThePageIsTheContract(t *testing.T) {
	b, err := Encode(generation.Prompt{Model: "gpt2", Text: "Once", Tokens: 4, Exact: true})
	require.NoError(t, err)
	require.Equal(t, block(t, "request"), string(b)+"\n")
	text, err := Decode(record.Answer{Body: []byte(block(t, "answer"))})
	require.NoError(t, err)
	require.Equal(t, generation.Text{Text: " upon a time", Tokens: 4, Prompt: 1, Finish: "length", Chunks: 2}, text)
	for line := range strings.Lines(block(t, "answer") + block(t, "error")) {
		var m Message
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		again, err := json.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, line, string(again)+"\n", "the type has all keys, in the page's order")
	}
	require.Equal(t, 503, code([]byte(block(t, "error"))))
	require.True(t, mark([]byte(block(t, "error"))).Fault)
}

// talk is a server that reads a message and does what the script says.
type talk func(ctx context.Context, t *testing.T, c *websocket.Conn)

func say(texts ...string) talk {
	return func(ctx context.Context, t *testing.T, c *websocket.Conn) {
		for _, text := range texts {
			require.NoError(t, c.Write(ctx, websocket.MessageText, []byte(text)))
		}
	}
}

// serve starts a server whose connections follow the scripts in turn, a message
// each, and a target that reaches it.
func serve(t *testing.T, scripts ...talk) *Target {
	t.Helper()
	turn := make(chan talk, len(scripts))
	for _, s := range scripts {
		turn <- s
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != Path {
			http.NotFound(w, r)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			if _, _, err := c.Read(r.Context()); err != nil {
				return
			}
			(<-turn)(r.Context(), t, c)
		}
	}))
	t.Cleanup(s.Close)
	b, err := Encode(generation.Prompt{Model: "gpt2", Text: "a", Tokens: 3})
	require.NoError(t, err)
	target, err := NewTarget(s.URL, [][]byte{b})
	require.NoError(t, err)
	return target
}

func dial(t *testing.T, target *Target) *Conn {
	t.Helper()
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

const (
	one  = `{"type":"token","text":" a","tokens":1}`
	two  = `{"type":"token","text":" bc","tokens":2}`
	none = `{"type":"token","tokens":1}`
	end3 = `{"type":"end","tokens":3,"prompt_tokens":1,"finish_reason":"length"}`
)

func TestAnswers(t *testing.T) {
	c := dial(t, serve(t, say(one, two, end3), say(none, two, end3)))
	r := c.Do(t.Context(), 0)
	require.NoError(t, r.Err)
	require.Equal(t, record.Good, r.Outcome)
	require.Equal(t, 3, r.Output.Tokens)
	require.Equal(t, 1, r.Output.Opened)
	require.Len(t, r.Output.Chunks, 2)
	require.False(t, r.Unkept)
	require.Equal(t, one+"\n"+two+"\n"+end3+"\n", string(r.Body))
	require.False(t, r.First.Before(r.Sent) || r.Last.Before(r.First) || r.Done.Before(r.Last))
	r = c.Do(t.Context(), 1)
	require.NoError(t, r.Err)
	require.Equal(t, 3, r.Output.Opened, "a token without text had come before")
	require.Len(t, r.Output.Chunks, 1)
}

// Every failure is bounded and of a kind, and the next request is answered.
func TestFaults(t *testing.T) {
	closing := func(ctx context.Context, t *testing.T, c *websocket.Conn) {
		say(one)(ctx, t, c)
		_ = c.Close(websocket.StatusGoingAway, "")
	}
	binary := func(ctx context.Context, t *testing.T, c *websocket.Conn) {
		require.NoError(t, c.Write(ctx, websocket.MessageBinary, []byte(one)))
	}
	huge := func(ctx context.Context, _ *testing.T, c *websocket.Conn) {
		_ = c.Write(ctx, websocket.MessageText, bytes.Repeat([]byte("x"), 10<<20)) // the client leaves half-way
	}
	endless := func(ctx context.Context, _ *testing.T, c *websocket.Conn) {
		long := []byte(`{"type":"token","text":"` + strings.Repeat("x", 512<<10) + `"}`)
		for range 40 {
			_ = c.Write(ctx, websocket.MessageText, long)
		}
	}
	for name, c := range map[string]struct {
		does talk
		kind string
		text string
	}{
		"endless":     {endless, "too-large", "that a text may have"},
		"refused":     {say(`{"type":"error","code":503,"message":"queue full"}`), "status 503", "queue full"},
		"error":       {say(one, `{"type":"error","code":500,"message":"died"}`), "error-event", "died"},
		"given up":    {say(one, `{"type":"end","tokens":1,"finish_reason":"abort"}`), "error-event", "abort"},
		"nonsense":    {say("hello"), "error-event", "hello"},
		"no text":     {say(none, end3), "malformed", "no text"},
		"closed":      {closing, "cut", "StatusGoingAway"},
		"binary":      {binary, "malformed", "binary message"},
		"10 MB":       {huge, "malformed", "too big"},
		"silent":      {say(one), "silent", "read message"},
		"silent soon": {say(), "silent", "read message"},
	} {
		t.Run(name, func(t *testing.T) {
			target := serve(t, c.does, say(one, two, end3))
			target.silence = 500 * time.Millisecond
			conn := dial(t, target)
			r := conn.Do(t.Context(), 0)
			require.Equal(t, c.kind, record.Record{Outcome: r.Outcome, Code: r.Code}.Kind(), "%v", r.Err)
			require.ErrorContains(t, r.Err, c.text)
			r = conn.Do(t.Context(), 1)
			require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
		})
	}
}

func TestTheRequestsOwnLimits(t *testing.T) {
	c := dial(t, serve(t, say(one), say(one)))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Equal(t, record.Timeout, c.Do(ctx, 0).Outcome)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	require.Equal(t, record.Cancelled, c.Do(ctx, 0).Outcome)
	require.Equal(t, record.Cancelled, c.Do(ctx, 0).Outcome, "without a connection")
}

func TestNoConnection(t *testing.T) {
	target := serve(t)
	target.url = strings.TrimSuffix(target.url, "/generate")
	_, err := target.Dial(t.Context())
	require.ErrorContains(t, err, "404")
	require.Equal(t, "status 404", kind((&Conn{target: target}).Do(t.Context(), 0)))
	target.url = "http://127.0.0.1:1/"
	require.Equal(t, "refused", kind((&Conn{target: target}).Do(t.Context(), 0)))
	for _, base := range []string{"", "ftp://host:1", "http://"} {
		_, err = NewTarget(base, [][]byte{nil})
		require.ErrorContains(t, err, "want host:port")
	}
	_, err = NewTarget("host:1", nil)
	require.ErrorContains(t, err, "there are none")
}

func kind(r record.Reply) string { return record.Record{Outcome: r.Outcome, Code: r.Code}.Kind() }

// A connection that rested is opened anew before the request is sent.
func TestAfterARest(t *testing.T) {
	target := serve(t, say(one, two, end3), say(one, two, end3))
	c := dial(t, target)
	require.Equal(t, record.Good, c.Do(t.Context(), 0).Outcome)
	before := c.socket
	c.used = time.Now().Add(-time.Minute)
	require.Equal(t, record.Good, c.Do(t.Context(), 0).Outcome)
	require.NotSame(t, before, c.socket)
}

func TestManyStreamsAreThinned(t *testing.T) {
	var scripts []talk
	for range 32 {
		scripts = append(scripts, say(one, two, end3))
	}
	target := serve(t, scripts...)
	c := dial(t, target)
	target.dialled.Store(1000)
	kept := 0
	for seq := range 32 {
		r := c.Do(t.Context(), seq)
		require.Equal(t, record.Good, r.Outcome)
		require.Equal(t, r.Unkept, r.Body == nil)
		if !r.Unkept {
			kept++
		}
	}
	require.InDelta(t, 1, kept, 1)
}

func TestWhatIsNoRequest(t *testing.T) {
	_, err := Encode(generation.Prompt{Model: "m", Tokens: 1})
	require.ErrorContains(t, err, "the prompt is empty")
	_, err = Encode(generation.Prompt{Text: "a", Tokens: 1})
	require.ErrorContains(t, err, "it needs a model")
}

func TestWhatIsNoAnswer(t *testing.T) {
	for body, want := range map[string]string{
		"":                          "there is no end",
		one + "\n":                  "there is no end",
		end3 + "\n" + one + "\n":    "a message after the end",
		"hello\n":                   "not the contract's JSON",
		`{"type":"hello"}`:          `a message of type "hello"`,
		`{"type":"error","code":4}`: "the server says 4",
	} {
		_, err := Decode(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want, body)
	}
}

// What is seen by a message's bytes is what its JSON says.
func FuzzMark(f *testing.F) {
	f.Add("a", 1, false)
	f.Add(`"type":"end"`, 3, true)
	f.Fuzz(func(t *testing.T, text string, tokens int, end bool) {
		if tokens < 0 || tokens > 1<<30 {
			t.Skip()
		}
		m := Message{Type: typeToken, Text: text, Tokens: tokens}
		want := generation.Mark{Content: text != "", Tokens: tokens}
		if end {
			m = Message{Type: typeEnd, Tokens: tokens, Finish: text}
			want = generation.Mark{End: true, Total: tokens, Bare: true}
		}
		b, err := json.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, want, mark(b), "%s", b)
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(one + "\n" + end3 + "\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		text, err := Decode(record.Answer{Body: body})
		mark(body)
		if err == nil {
			require.Equal(t, text.Chunks == 0, text.Text == "")
		}
	})
}
