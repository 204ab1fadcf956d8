package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"stackbench"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/tgi"
	"stackbench/internal/wire/wsgen"
	"stackbench/internal/workload"
)

const (
	mostPrompts = 4096            // of a case; a window that sends more repeats them
	fewPrompts  = 8               // to see whether a server is ready: one of them has a known answer
	textLimit   = 2 * time.Minute // of a request: many users of a slow server wait long for the end of a text
	textsNeeded = 14              // requests of one user that a window should hold: the median needs 11
	textsJudged = 130             // in standard and full: p95 needs them
	textLongest = 90 * time.Second
	textConns   = 32 // cap of an open loop of texts: with more, the bytes of too few answers are kept to check them
)

// prepareTexts builds n requests of a case of text generation.
func (e *environment) prepareTexts(c Case, how stack.Capability, m served, at stack.Endpoint, n int) (*work, error) {
	list, err := workload.Prompts(stackbench.Testdata(), c.Lengths, e.options.salt()^c.salt(), n, c.Share)
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return texts(list, how, m, at)
}

// salt sets the cases of a group apart from each other, since one server
// answers them all.
func (c Case) salt() uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, c) // a hash takes everything
	return h.Sum64()
}

// texts turns prompts into the requests of a stack at an endpoint.
func texts(list []workload.Prompt, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	w := &work{close: func() error { return nil }}
	exact := how.Contract != stack.TGI // it cannot be told
	var prompts []generation.Prompt
	for _, p := range list {
		prompts = append(prompts, generation.Prompt{Model: m.Name, Text: p.Text, Tokens: p.Tokens, Exact: exact})
		w.items = append(w.items, []item{{id: p.ID, golden: p.Golden, asked: p.Tokens, exact: exact}})
	}
	var err error
	switch how.Contract {
	case stack.OpenAI:
		err = w.openAI(prompts, how.Proto == stack.SSE, at.REST)
	case stack.TGI:
		err = w.tgi(prompts, how.Proto == stack.SSE, at.REST)
	case stack.WSGen:
		err = w.webSocket(prompts, at.REST)
	case stack.OIP:
		err = w.inferStream(prompts, at.GRPC)
	default:
		err = fmt.Errorf("the contract %s generates no text", how.Contract)
	}
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return w, nil
}

// heard drives requests whose answers are heard as they come.
func (w *work) heard(base string, requests []http1.Request, h http1.Hearing, decode func(record.Answer) (generation.Text, error)) error {
	t, err := http1.NewHeardTarget(base, requests, h)
	if err != nil {
		return err
	}
	t.Bound(w.textBytes())
	w.target, w.decode = target[*http1.Conn]{t}, decodeText(decode)
	return nil
}

func decodeText(decode func(record.Answer) (generation.Text, error)) func(record.Answer, int) (answers, error) {
	return func(a record.Answer, _ int) (answers, error) {
		t, err := decode(a)
		return answers{text: &t}, err
	}
}

func (w *work) openAI(prompts []generation.Prompt, stream bool, base string) error {
	how := openai.Whole
	if stream {
		how = openai.Counted
	}
	requests, err := encoded(prompts, func(p generation.Prompt) (http1.Request, error) { return openai.EncodeCompletion(p, how) })
	if err != nil {
		return err
	}
	if stream {
		return w.heard(base, requests, openai.HearCompletion(), openai.DecodeStream)
	}
	return w.heard(base, requests, openai.HearWhole(), openai.DecodeText)
}

func (w *work) tgi(prompts []generation.Prompt, stream bool, base string) error {
	requests, err := encoded(prompts, func(p generation.Prompt) (http1.Request, error) { return tgi.Encode(p, stream) })
	if err != nil {
		return err
	}
	if stream {
		return w.heard(base, requests, tgi.HearStream(), tgi.DecodeStream)
	}
	return w.heard(base, requests, tgi.HearWhole(), tgi.DecodeText)
}

func (w *work) webSocket(prompts []generation.Prompt, base string) error {
	messages, err := encoded(prompts, wsgen.Encode)
	if err != nil {
		return err
	}
	t, err := wsgen.NewTarget(base, messages)
	if err != nil {
		return err
	}
	w.target, w.decode = target[*wsgen.Conn]{t}, decodeText(wsgen.Decode)
	return nil
}

func (w *work) inferStream(prompts []generation.Prompt, addr string) error {
	messages, err := encoded(prompts, oip.EncodeGenerate)
	if err != nil {
		return err
	}
	t, err := oip.NewGenerateTarget(addr, messages)
	if err != nil {
		return err
	}
	t.Bound(w.textBytes())
	w.target, w.close, w.decode = target[*grpcraw.EventConn]{t}, t.Close, decodeText(oip.DecodeText)
	return nil
}

func encoded[T any](prompts []generation.Prompt, encode func(generation.Prompt) (T, error)) ([]T, error) {
	out := make([]T, 0, len(prompts))
	for _, p := range prompts {
		one, err := encode(p)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// generated says how a case's windows are measured as text; nil when they are none.
func (g Group) generated(c Case) *meter.Generation {
	if c.task() != stack.TextGeneration {
		return nil
	}
	return &meter.Generation{Stream: c.Proto != stack.REST, TTFT: g.Limits.TTFT, ITL: g.Limits.ITL}
}

// pace makes a plan long enough for a text that takes one user so long: a
// window of a few requests has no median, and in the profiles that judge, none
// under 130 a p95. In quick, a window that was asked for stays as it is.
func (o Options) pace(p load.Plan, text time.Duration, users int) load.Plan {
	p.Timeout = textLimit
	p.Warmup = max(p.Warmup, min(text*3/2, textLongest))
	if p.Arrivals.Rate > 0 {
		p.Conns = min(p.Conns, textConns)
	}
	// One after the other, twice as many texts as there are users give each two.
	texts, longest := max(textsNeeded, 2*users), textLongest
	switch {
	case o.Profile.Strict():
		texts, longest = max(textsJudged, 2*users), o.longest()
	case o.Window > 0:
		return p
	}
	p.Window = min(max(p.Window, time.Duration(texts)*text), max(p.Window, longest))
	return p
}

// textTime is about how long a text takes a user who is alone: the first one's
// time, as of a text of the mean length.
func (w *work) textTime(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	if err := w.each(ctx, 1, func(int, record.Answer) error { return nil }); err != nil {
		return 0, err
	}
	took, tokens := time.Since(start), 0
	for _, items := range w.items {
		tokens += items[0].asked
	}
	return time.Duration(float64(took) * float64(tokens) / float64(len(w.items)*w.items[0][0].asked)), nil
}

// textSeconds is about what a window of generated text takes on a CPU: a guess,
// since only the server can tell.
func (c Case) textSeconds(o Options) float64 {
	const usual = 2500 * time.Millisecond
	p := o.pace(load.Plan{Warmup: o.Profile.Warmup(), Window: o.length()}, usual, c.Load.Conc)
	return (p.Warmup + p.Window + usual*time.Duration(max(1, c.Load.Conc/4))).Seconds()
}
