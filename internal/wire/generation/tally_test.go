package generation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

const ms = time.Millisecond

func TestTally(t *testing.T) {
	text := Mark{Content: true}
	type step struct {
		mark Mark
		at   time.Duration
	}
	for name, c := range map[string]struct {
		steps   []step
		outcome record.Outcome
		chunks  []time.Duration
		tokens  int
		opened  int
	}{
		"a token a chunk":             {[]step{{text, 10}, {text, 20}, {Mark{Total: 2}, 30}, {Mark{End: true}, 30}}, record.Good, []time.Duration{10, 20}, 2, 0},
		"role first":                  {[]step{{Mark{}, 10}, {text, 20}, {Mark{Total: 1}, 30}, {Mark{End: true}, 30}}, record.Good, []time.Duration{20}, 1, 0},
		"the count in the last chunk": {[]step{{text, 10}, {Mark{Content: true, Total: 2}, 20}, {Mark{End: true}, 30}}, record.Good, []time.Duration{10, 20}, 2, 0},
		"each chunk counts so far":    {[]step{{Mark{Content: true, Total: 3}, 10}, {Mark{Content: true, Total: 5}, 20}, {Mark{End: true}, 20}}, record.Good, []time.Duration{10, 20}, 5, 3},
		"each chunk counts its own":   {[]step{{Mark{Content: true, Tokens: 2}, 10}, {Mark{Content: true, Tokens: 1}, 20}, {Mark{End: true}, 20}}, record.Good, []time.Duration{10, 20}, 3, 2},
		"a token without text first":  {[]step{{Mark{Tokens: 1}, 10}, {Mark{Content: true, Tokens: 1}, 20}, {Mark{End: true}, 20}}, record.Good, []time.Duration{20}, 2, 2},
		"the end with the last chunk": {[]step{{text, 10}, {Mark{Content: true, Total: 2, End: true}, 20}}, record.Good, []time.Duration{10, 20}, 2, 0},
		"no end":                      {[]step{{text, 10}}, record.Cut, []time.Duration{10}, 0, 0},
		"nothing":                     {nil, record.Malformed, nil, 0, 0},
		"an event of no meaning":      {[]step{{Mark{}, 10}}, record.Cut, nil, 0, 0},
		"no text":                     {[]step{{Mark{Total: 1}, 10}, {Mark{End: true}, 10}}, record.Malformed, nil, 1, 0},
		"an error":                    {[]step{{text, 10}, {Mark{Fault: true}, 20}, {Mark{End: true}, 20}}, record.Fault, []time.Duration{10}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var tally Tally
			sent := time.Now()
			for range 2 { // the second stream on a connection is told of as the first
				tally.Begin()
				for _, s := range c.steps {
					tally.Add(s.mark, []byte("data"), sent.Add(s.at))
				}
				r := record.Reply{Sent: sent, Done: sent.Add(time.Second)}
				tally.End(&r)
				require.Equal(t, c.outcome, r.Outcome)
				require.Equal(t, c.outcome == record.Good, r.Err == nil)
				require.Equal(t, c.tokens, r.Output.Tokens)
				require.Equal(t, c.opened, r.Output.Opened)
				require.Len(t, r.Output.Chunks, len(c.chunks))
				for i, at := range c.chunks {
					require.Equal(t, at, r.Output.Chunks[i])
				}
				if n := len(c.chunks); n > 0 {
					require.Equal(t, c.chunks[0], r.First.Sub(sent))
					require.Equal(t, c.chunks[n-1], r.Last.Sub(sent))
				} else {
					require.True(t, r.First.IsZero() && r.Last.IsZero())
				}
			}
		})
	}
}

// The connection's own failure stands, unless an error event tells more.
func TestTallyOfAFailure(t *testing.T) {
	for _, c := range []struct {
		fault bool
		of    record.Outcome
		want  record.Outcome
	}{
		{false, record.Silent, record.Silent}, {false, record.Cut, record.Cut},
		{true, record.Cut, record.Fault}, {true, record.Cancelled, record.Cancelled},
	} {
		var tally Tally
		tally.Begin()
		tally.Add(Mark{Content: true}, nil, time.Now())
		tally.Add(Mark{Fault: c.fault}, []byte(`{"error":"full"}`), time.Now())
		r := record.Reply{Sent: time.Now(), Outcome: c.of, Err: errNoEnd}
		tally.End(&r)
		require.Equal(t, c.want, r.Outcome)
		if c.want == record.Fault {
			require.EqualError(t, r.Err, `the stream reports an error: "{\"error\":\"full\"}"`)
		}
		require.Len(t, r.Output.Chunks, 1)
	}
}

func TestValuesByTheirBytes(t *testing.T) {
	for data, want := range map[string]struct {
		text  bool
		count int
	}{
		`{"text":"a"}`:                       {true, 0},
		`{"text": "a","n": 12}`:              {true, 12},
		`{"text":"","n":3}`:                  {false, 3},
		`{"text":null,"n":null}`:             {false, 0},
		`{"text":"\"","n":-1}`:               {true, 0},
		`{"other":"\"text\":\"a\" \"n\":9"}`: {false, 0},
		`{"other":"text","n":1}`:             {false, 1},
		`{"text":`:                           {false, 0},
		``:                                   {false, 0},
	} {
		require.Equal(t, want.text, HasText(Field([]byte(data), "text")), data)
		require.Equal(t, want.count, Count(Field([]byte(data), "n")), data)
	}
	require.Positive(t, Count([]byte(`99999999999999999999999999999`)), "no overflow")
}

func TestWhole(t *testing.T) {
	l := WholeEvents(func(body []byte) Mark {
		return Mark{Content: HasText(Field(body, "text")), Total: Count(Field(body, "n")), Fault: Told(Field(body, "error"))}
	}).Listen()
	sent := time.Now()
	for range 2 {
		l.Begin()
		n, err := l.OnEvent([]byte(`{"text":"abc",`), sent.Add(10*ms))
		require.NoError(t, err)
		require.Zero(t, n)
		_, err = l.OnEvent([]byte(`{"text":"abc","n":3}`), sent.Add(20*ms))
		require.NoError(t, err)
		r := record.Reply{Sent: sent}
		l.End(&r)
		require.Equal(t, record.Good, r.Outcome)
		require.Equal(t, &record.Output{Tokens: 3}, r.Output)
		require.Equal(t, 10*ms, r.First.Sub(sent))
		require.Equal(t, 20*ms, r.Last.Sub(sent))
	}
	for body, want := range map[string]record.Outcome{"": record.Malformed, `{"text":""}`: record.Malformed, `{"error":"full","text":"a"}`: record.Fault} {
		l.Begin()
		_, err := l.OnEvent([]byte(body), sent)
		require.NoError(t, err)
		var r record.Reply
		l.End(&r)
		require.Equal(t, want, r.Outcome, body)
		require.Error(t, r.Err)
	}
	l.Begin()
	var r record.Reply
	l.End(&r)
	require.Equal(t, record.Malformed, r.Outcome)
}

// What carried tokens is what had text or a count of its own, and never what
// only counts what came before.
func TestEventsThatCarryTokens(t *testing.T) {
	text := func(total int) Mark { return Mark{Content: true, Total: total} }
	for name, c := range map[string]struct {
		marks                 []Mark // 10 ms apart
		events, last, counted int    // last in units of 10 ms
	}{
		"each counts, text or not":          {[]Mark{text(1), text(2), {Total: 3}, {Total: 4}, {Total: 4, Bare: true}, {End: true}}, 4, 4, 4},
		"own counts":                        {[]Mark{{Content: true, Tokens: 2}, {Tokens: 1}, {Total: 3, Bare: true, End: true}}, 2, 2, 3},
		"the rest in a bare count":          {[]Mark{text(1), text(2), {Total: 8, Bare: true}, {End: true}}, 2, 2, 2},
		"a count at the end":                {[]Mark{text(0), text(0), {Total: 8}, {End: true}}, 2, 2, 0},
		"a count of the first and the last": {[]Mark{text(1), text(0), {Total: 8}, {End: true}}, 2, 2, 0},
		"a role and an end":                 {[]Mark{{}, text(1), {}, {Total: 1, Bare: true}, {End: true}}, 1, 2, 1},
		"a token without text first":        {[]Mark{{Total: 1}, text(2)}, 2, 2, 2},
		"nothing":                           {nil, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var tally Tally
			for range 2 {
				tally.Begin()
				for i, m := range c.marks {
					tally.Add(m, nil, tally.began.Add(time.Duration(i+1)*10*ms))
				}
				r := record.Reply{Sent: tally.began}
				tally.End(&r)
				require.Equal(t, c.events, r.Output.Events)
				require.Equal(t, c.counted, r.Output.Counted)
				require.Equal(t, time.Duration(c.last)*10*ms, r.Output.Last)
			}
		})
	}
}

func TestReasonsThatGiveUp(t *testing.T) {
	for reason, want := range map[string]bool{
		`"abort"`: true, `"ABORT"`: true, `"error"`: true, `{"type":"abort","message":"full"}`: true, `"cancelled"`: true,
		`"stop"`: false, `"length"`: false, `"eos_token"`: false, `null`: false, `""`: false, `{"type":"length","length":8}`: false, ``: false, `"a"`: false,
	} {
		require.Equal(t, want, GivenUp([]byte(reason)), reason)
	}
}

func TestPromptsThatNobodyCouldAnswer(t *testing.T) {
	require.NoError(t, Prompt{Text: "a", Tokens: 1}.Check())
	require.ErrorContains(t, Prompt{Tokens: 1}.Check(), "the prompt is empty")
	require.ErrorContains(t, Prompt{Text: "a"}.Check(), "0 output tokens")
}
