package meter

import (
	"time"

	"stackbench/internal/record"
	"stackbench/internal/unit"
)

// Generation says that a window's answers are generated text.
type Generation struct {
	Stream bool          // they come in chunks
	TTFT   time.Duration // the group's limits, for goodput; 0: none is stated
	ITL    time.Duration
}

// Hold says whether an answer came within the limits; one without an ITL is not
// within a limit of it.
func (g Generation) Hold(r record.Record, open bool) bool {
	ttft, ok := TTFT(r, open)
	itl, defined, _ := ITL(r)
	return ok && (g.TTFT == 0 || ttft <= g.TTFT) && (g.ITL == 0 || defined && itl <= g.ITL)
}

// TTFT is the time to the first chunk with text, from when the response time
// counts; false for an answer that is no good stream.
func TTFT(r record.Record, open bool) (time.Duration, bool) {
	if !streamed(r) {
		return 0, false
	}
	if open {
		return r.First - r.Intended, true
	}
	return r.First - r.Sent, true
}

func streamed(r record.Record) bool {
	return r.Outcome == record.Good && r.Output != nil && len(r.Output.Chunks) > 0
}

// ITL is the mean time between the tokens of a stream after its first chunk's,
// as the server counts them: (t_last − t_first) ÷ (n_last − n_first), of the
// first chunk with text and the last event that carried tokens, with text or
// without. It is undefined where no token followed, and unknown where the server
// does not say how many had come with either.
func ITL(r record.Record) (itl time.Duration, defined, known bool) {
	if !streamed(r) || r.Output.Tokens == 0 {
		return 0, false, false
	}
	first, known := r.Output.Opening()
	if !known || r.Output.Tokens <= first {
		return 0, false, known
	}
	last, at, known := r.Output.Closing()
	if !known || last <= first {
		return 0, false, false
	}
	return (at - r.Output.Chunks[0]) / time.Duration(last-first), true, true
}

// Gaps are the times between a stream's chunks with text. A chunk may hold
// several tokens: these are not the tokens' gaps.
func Gaps(r record.Record) []time.Duration {
	if !streamed(r) {
		return nil
	}
	gaps := make([]time.Duration, 0, len(r.Output.Chunks)-1)
	for i, at := range r.Output.Chunks[1:] {
		gaps = append(gaps, at-r.Output.Chunks[i])
	}
	return gaps
}

// texts is what a sample's good answers say as generated text.
type texts struct {
	asked     *Generation // nil when the answers are none
	raw       map[unit.Series][]time.Duration
	tokens    int
	uncounted int  // answers whose tokens the server did not count
	unknown   int  // streams whose ITL is unknown
	within    int  // answers within the limits
	absent    bool // users sent nothing in a window
}

// add takes in a good answer.
func (t *texts) add(r record.Record, open bool) {
	if t.asked == nil {
		return
	}
	if r.Output == nil || r.Output.Tokens == 0 {
		t.uncounted++
	} else {
		t.tokens += r.Output.Tokens
	}
	ttft, ok := TTFT(r, open)
	if !ok {
		return
	}
	t.keep(unit.FirstText, ttft)
	t.keep(unit.ChunkGap, Gaps(r)...)
	itl, defined, known := ITL(r)
	if defined {
		t.keep(unit.TokenGap, itl)
	}
	if !known {
		t.unknown++
	}
	if t.asked.Hold(r, open) {
		t.within++
	}
}

func (t *texts) keep(s unit.Series, times ...time.Duration) {
	if t.raw == nil {
		t.raw = map[unit.Series][]time.Duration{}
	}
	t.raw[s] = append(t.raw[s], times...)
}

// measure gives the units of generated text.
func (t *texts) measure(l *ledger, issued, good int, span time.Duration) {
	if t.asked == nil {
		return
	}
	switch {
	case good == 0:
		l.withhold(unit.TokPerS, "no good answer")
	case t.absent:
		l.withhold(unit.TokPerS, AbsentUsers)
	case t.uncounted > 0:
		l.withhold(unit.TokPerS, "the server did not count the tokens of every answer")
	default:
		l.put(unit.TokPerS, float64(t.tokens)/span.Seconds())
	}
	if !t.asked.Stream {
		return
	}
	failed := issued - good
	l.rank(unit.FirstText, t.raw[unit.FirstText], failed)
	if float64(t.unknown) > unknownLimit*float64(good) {
		l.withhold(unit.ITL, "the server does not say how many tokens came with the first chunk")
	} else {
		l.rank(unit.TokenGap, t.raw[unit.TokenGap], failed)
	}
	l.rank(unit.ChunkGap, t.raw[unit.ChunkGap], failed)
	switch {
	case t.asked.TTFT == 0 && t.asked.ITL == 0:
	case t.absent:
		l.withhold(unit.GoodputRps, AbsentUsers)
	default:
		l.put(unit.GoodputRps, float64(t.within)/span.Seconds())
	}
}

// unknownLimit is the share of streams that may be left out of itl-ms.
const unknownLimit = 0.01
