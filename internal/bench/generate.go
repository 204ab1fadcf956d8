package bench

import (
	"context"
	"fmt"
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
	textLimit   = 2 * time.Minute // of a request: many users of a slow server wait long for the end of a text
	textsNeeded = 14              // requests of one user that a window should hold: the median needs 11
	textsJudged = 130             // in standard and full: p95 needs them
	textLongest = 90 * time.Second
	textConns   = 32 // cap of an open loop of texts: with more, the bytes of too few answers are kept to check them
)

// prompts are the inputs of a case of text generation.
func prompts(l Lengths, share bool, how stack.Capability, salt uint64) (inputs, error) {
	list, err := workload.NewPrompts(stackbench.Testdata(), l, share)
	if err != nil {
		return nil, err
	}
	exact := how.Contract != stack.TGI // it cannot be told
	return drawn{
		form: stack.Text, most: 1, size: func(int) int { return 1 },
		item: func(i int) item { return promptItem(list.Plain(i), exact) },
		add: func(b *batch, i int) error {
			p := list.Prompt(salt, i)
			b.items, b.prompt = append(b.items, promptItem(p, exact)), p
			return nil
		},
	}, nil
}

// given are a few prompts in turn.
func given(list []workload.Prompt, how stack.Capability) fixed {
	var out fixed
	for _, p := range list {
		out = append(out, batch{input: stack.Text, items: []item{promptItem(p, how.Contract != stack.TGI)}, prompt: p})
	}
	return out
}

func promptItem(p workload.Prompt, exact bool) item {
	return item{id: p.ID, golden: p.Golden, asked: p.Tokens, exact: exact}
}

// generation is the batch as a prompt of a model.
func (b batch) generation(m served) generation.Prompt {
	return generation.Prompt{Model: m.Name, Text: b.prompt.Text, Tokens: b.prompt.Tokens, Exact: b.items[0].exact}
}

// texts makes the requests of text generation.
func (w *work) texts(how stack.Capability, m served, at stack.Endpoint) error {
	switch how.Contract {
	case stack.OpenAI:
		return w.openAI(m, how.Proto == stack.SSE, at.REST)
	case stack.TGI:
		return w.tgi(m, how.Proto == stack.SSE, at.REST)
	case stack.WSGen:
		return w.webSocket(m, at.REST)
	case stack.OIP:
		return w.inferStream(m, at.GRPC)
	}
	return fmt.Errorf("the contract %s generates no text", how.Contract)
}

// heard drives requests whose answers are heard as they come.
func (w *work) heard(base string, m served, encode func(generation.Prompt) (http1.Request, error), h http1.Hearing, decode func(record.Answer) (generation.Text, error)) error {
	t, err := w.requests(func(b batch) (http1.Request, error) { return encode(b.generation(m)) },
		func(list []http1.Request) (*http1.Target, error) { return http1.NewHeardTarget(base, list, h) })
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

func (w *work) openAI(m served, stream bool, base string) error {
	if stream {
		encode := func(p generation.Prompt) (http1.Request, error) { return openai.EncodeCompletion(p, openai.Counted) }
		return w.heard(base, m, encode, openai.HearCompletion(), openai.DecodeStream)
	}
	encode := func(p generation.Prompt) (http1.Request, error) { return openai.EncodeCompletion(p, openai.Whole) }
	return w.heard(base, m, encode, openai.HearWhole(), openai.DecodeText)
}

func (w *work) tgi(m served, stream bool, base string) error {
	encode := func(p generation.Prompt) (http1.Request, error) { return tgi.Encode(p, stream) }
	if stream {
		return w.heard(base, m, encode, tgi.HearStream(), tgi.DecodeStream)
	}
	return w.heard(base, m, encode, tgi.HearWhole(), tgi.DecodeText)
}

func (w *work) webSocket(m served, base string) error {
	r, err := w.messages(func(b batch) ([]byte, error) { return wsgen.Encode(b.generation(m)) })
	if err != nil {
		return err
	}
	t, err := wsgen.NewTarget(base, [][]byte{r.spare})
	if err != nil {
		return err
	}
	t.Draw(r.take)
	w.target, w.decode = target[*wsgen.Conn]{t}, decodeText(wsgen.Decode)
	return nil
}

func (w *work) inferStream(m served, addr string) error {
	r, err := w.messages(func(b batch) ([]byte, error) { return oip.EncodeGenerate(b.generation(m)) })
	if err != nil {
		return err
	}
	t, err := oip.NewGenerateTarget(addr, [][]byte{r.spare})
	if err != nil {
		return err
	}
	t.Draw(r.take)
	t.Bound(w.textBytes())
	w.target, w.close, w.decode = target[*grpcraw.EventConn]{t}, t.Close, decodeText(oip.DecodeText)
	return nil
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
	for n := range meanOver {
		tokens += w.in.items(n)[0].asked
	}
	return time.Duration(float64(took) * float64(tokens) / float64(meanOver*w.in.items(0)[0].asked)), nil
}

// meanOver is how many requests tell how long texts are, and how large answers.
const meanOver = 256

// textSeconds is about what a window of generated text takes on a CPU: a guess,
// since only the server can tell.
func (c Case) textSeconds(o Options) float64 {
	const usual = 2500 * time.Millisecond
	p := o.pace(load.Plan{Warmup: o.Profile.Warmup(), Window: o.length()}, usual, c.Load.conc())
	return (p.Warmup + p.Window + usual*time.Duration(max(1, c.Load.conc()/4))).Seconds()
}
