package meter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
	"stackbench/internal/unit"
)

// stream is a request of a closed loop, answered by chunks at these times.
func stream(sent time.Duration, tokens, opened int, chunks ...time.Duration) record.Record {
	last := chunks[len(chunks)-1]
	out := &record.Output{Chunks: chunks, Tokens: tokens, Opened: opened, Events: len(chunks), Last: last}
	if opened > 0 { // it counts in every chunk
		out.Counted = tokens
	}
	return record.Record{Intended: sent, Sent: sent, First: sent + chunks[0], Last: sent + last, Done: sent + last + ms, Output: out}
}

func TestTimesOfAStream(t *testing.T) {
	for name, c := range map[string]struct {
		r              record.Record
		ttft, itl      time.Duration
		gaps           []time.Duration
		defined, known bool
	}{
		"a token a chunk":        {stream(0, 4, 0, 100*ms, 110*ms, 120*ms, 130*ms), 100 * ms, 10 * ms, []time.Duration{10 * ms, 10 * ms, 10 * ms}, true, true},
		"several tokens a chunk": {stream(0, 8, 2, 100*ms, 130*ms, 160*ms), 100 * ms, 10 * ms, []time.Duration{30 * ms, 30 * ms}, true, true},
		"a first chunk unknown":  {stream(0, 8, 0, 100*ms, 130*ms, 160*ms), 100 * ms, 0, []time.Duration{30 * ms, 30 * ms}, false, false},
		"one token":              {stream(0, 1, 1, 100*ms), 100 * ms, 0, []time.Duration{}, false, true},
		"all in the first chunk": {stream(0, 3, 3, 100*ms, 110*ms), 100 * ms, 0, []time.Duration{10 * ms}, false, true},
		"not counted":            {stream(0, 0, 0, 100*ms, 110*ms), 100 * ms, 0, []time.Duration{10 * ms}, false, false},
	} {
		ttft, ok := TTFT(c.r, false)
		require.True(t, ok, name)
		require.Equal(t, c.ttft, ttft, name)
		itl, defined, known := ITL(c.r)
		require.Equal(t, c.itl, itl, name)
		require.Equal(t, c.defined, defined, name)
		require.Equal(t, c.known, known, name)
		require.Equal(t, c.gaps, Gaps(c.r), name)
	}
	tail := stream(0, 8, 1, 100*ms, 120*ms)
	tail.Output.Last = 240 * ms
	itl, _, _ := ITL(tail)
	require.Equal(t, 20*ms, itl, "six tokens without text followed, each at its time")
	tail.Output.Last, tail.Output.Counted = 120*ms, 2
	itl, _, _ = ITL(tail)
	require.Equal(t, 20*ms, itl, "six tokens that only the end told of came at no known time")
	tail = stream(0, 8, 1, 100*ms)
	tail.Output.Counted = 1
	_, defined, known := ITL(tail)
	require.False(t, defined || known, "none but the first has a known time")
	late := stream(50*ms, 2, 0, 100*ms, 110*ms)
	late.Intended = 0
	ttft, _ := TTFT(late, true)
	require.Equal(t, 150*ms, ttft, "an open loop counts from when it was due")
	for _, none := range []record.Record{good(0, ms), failed(0, ms, record.Cut), {Output: &record.Output{Tokens: 3}}} {
		_, ok := TTFT(none, false)
		require.False(t, ok)
		require.Nil(t, Gaps(none))
		_, defined, _ := ITL(none)
		require.False(t, defined)
	}
}

// talk is a window of n users' only streams: TTFT 100 ms, then 9 tokens every
// 20 ms, or every 40 ms for the last slow ones.
func talk(n, slow int) Window {
	w := Window{Length: 10 * sec, Conns: n, Texts: &Generation{Stream: true, TTFT: 150 * ms, ITL: 30 * ms}}
	for i := range n {
		gap := 20 * ms
		if i >= n-slow {
			gap = 40 * ms
		}
		chunks := []time.Duration{100 * ms}
		for k := range 9 {
			chunks = append(chunks, 100*ms+time.Duration(k+1)*gap)
		}
		w.Records = append(w.Records, stream(0, 10, 0, chunks...))
	}
	return w
}

func TestGeneratedText(t *testing.T) {
	w := talk(200, 50)
	s := Summarise([]Window{w}, Evidence{})
	require.InDelta(t, 100, value(t, s, "ttft-ms"), 1e-9)
	require.InDelta(t, 100, value(t, s, "ttft-p95-ms"), 1e-9)
	require.InDelta(t, 20, value(t, s, "itl-ms"), 1e-9)
	require.InDelta(t, 40, value(t, s, "chunk-gap-p99-ms"), 1e-9)
	span := (150*281*ms + 50*461*ms) / 200 // the mean of what a user's stream took
	require.InDelta(t, 2000/span.Seconds(), value(t, s, "tok/s"), 1e-6)
	require.InDelta(t, 150/span.Seconds(), value(t, s, "goodput-rps"), 1e-6)
	require.InDelta(t, 200/span.Seconds(), value(t, s, "rps"), 1e-6)
	require.InDelta(t, 280, value(t, s, "p50-ms"), 1e-9, "up to the last chunk with text")
}

func TestFailedStreamsAreInfinite(t *testing.T) {
	w := talk(90, 0)
	for range 110 {
		w.Records = append(w.Records, failed(0, ms, record.Silent))
	}
	s := Summarise([]Window{w}, Evidence{})
	for _, unit := range []unit.Name{"ttft-ms", "ttft-p95-ms", "itl-ms", "chunk-gap-p99-ms"} {
		require.Equal(t, "+∞: the rank falls on a failed request", reason(s, unit), unit)
	}
	require.Contains(t, s.Invalid[0].Text, "110 × silent")
	w = talk(198, 0)
	w.Records = append(w.Records, failed(0, ms, record.Cut), failed(0, ms, record.Fault))
	s = Summarise([]Window{w}, Evidence{})
	require.InDelta(t, 20, value(t, s, "chunk-gap-p99-ms"), 1e-9, "2 of 1,784")
	require.Empty(t, s.Invalid)
}

func TestWhatIsWithheldOfGeneratedText(t *testing.T) {
	// One of 200 does not say: it is left out. Three are too many.
	w := talk(200, 0)
	w.Records[0].Output.Tokens = 11
	s := Summarise([]Window{w}, Evidence{})
	require.InDelta(t, 20, value(t, s, "itl-ms"), 1e-9)
	w.Records[1].Output.Tokens, w.Records[2].Output.Tokens = 11, 11
	s = Summarise([]Window{w}, Evidence{})
	require.Equal(t, "the server does not say how many tokens came with the first chunk", reason(s, "itl-ms"))
	w.Records[3].Output.Tokens = 0
	s = Summarise([]Window{w}, Evidence{})
	require.Equal(t, "the server did not count the tokens of every answer", reason(s, "tok/s"))
	s = Summarise([]Window{talk(10, 0)}, Evidence{})
	require.Equal(t, "fewer than 11 requests", reason(s, "ttft-ms"))
	require.Equal(t, "fewer than 130 requests", reason(s, "ttft-p95-ms"))
	require.Equal(t, "fewer than 11 requests", reason(s, "itl-ms"))
	require.Equal(t, "fewer than 662 gaps", reason(s, "chunk-gap-p99-ms"))
	s = Summarise([]Window{{Length: sec, Texts: &Generation{}}}, Evidence{})
	require.Equal(t, "no good answer", reason(s, "tok/s"))
}

// Whole answers have tokens and no chunks; other answers have neither.
func TestAnswersThatAreNoStreams(t *testing.T) {
	w := closed(1, 100*ms, 2*sec)
	s := Summarise([]Window{w}, Evidence{})
	for _, unit := range []unit.Name{"tok/s", "ttft-ms", "goodput-rps"} {
		_, ok := s.Value(unit)
		require.False(t, ok, unit)
		require.Empty(t, reason(s, unit), unit)
	}
	w.Texts = &Generation{}
	for i := range w.Records {
		w.Records[i].Output = &record.Output{Tokens: 5}
	}
	s = Summarise([]Window{w}, Evidence{})
	require.InDelta(t, 50, value(t, s, "tok/s"), 1e-9)
	_, ok := s.Value("ttft-ms")
	require.False(t, ok)
	require.Empty(t, reason(s, "ttft-ms"))
}

// Every answer within the limits of a group that states one alone.
func TestLimits(t *testing.T) {
	w := talk(20, 20)
	for limits, want := range map[Generation]bool{
		{Stream: true, TTFT: 100 * ms}:               true,
		{Stream: true, TTFT: 99 * ms}:                false,
		{Stream: true, ITL: 40 * ms}:                 true,
		{Stream: true, TTFT: 100 * ms, ITL: 39 * ms}: false,
	} {
		w.Texts = &limits
		s := Summarise([]Window{w}, Evidence{})
		_, some := s.Value("goodput-rps")
		require.Equal(t, want, some, limits)
		if !want {
			require.Equal(t, "zero", reason(s, "goodput-rps"))
		}
	}
}

func TestNoRateOfUsersWhoSentNothing(t *testing.T) {
	answer := func(sent int) record.Record {
		at := time.Duration(sent) * time.Second
		return record.Record{Intended: at, Sent: at, First: at, Last: at + time.Second, Done: at + time.Second, Output: &record.Output{Chunks: []time.Duration{0, time.Second}, Tokens: 2}}
	}
	w := Window{Records: []record.Record{answer(0), answer(1), answer(2)}, Length: 3 * time.Second, Conns: 4, Texts: &Generation{Stream: true, TTFT: time.Second, ITL: time.Second}}
	s := Summarise([]Window{w}, Evidence{})
	for _, unit := range []unit.Name{"rps", "ns/op", "tok/s", "goodput-rps"} {
		_, published := s.Value(unit)
		require.False(t, published, unit)
		require.Contains(t, s.Withheld, Withheld{unit, AbsentUsers})
	}
	w.Conns = 3
	_, published := Summarise([]Window{w}, Evidence{}).Value("tok/s")
	require.True(t, published)
}
