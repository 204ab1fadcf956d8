package task

import (
	"context"
	"time"

	"stackbench"
	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/workload"
)

const (
	TextLimit   = 2 * time.Minute // of a request: many users of a slow server wait long for the end of a text
	textsNeeded = 14              // requests of one user that a window should hold: the median needs 11
	textsJudged = 130             // in standard and full: p95 needs them
	TextLongest = 90 * time.Second
	textConns   = 32 // cap of an open loop of texts: with more, the bytes of too few answers are kept to check them
)

// prompts are the inputs of a case of text generation.
func prompts(l workload.Lengths, share bool, how stack.Capability, salt uint64) (inputs, error) {
	list, err := workload.NewPrompts(stackbench.Testdata(), l, share)
	if err != nil {
		return nil, err
	}
	c, err := codecOf(how)
	if err != nil {
		return nil, err
	}
	return drawn{most: 1, size: func(int) int { return 1 }, from: asking{list, c.exact}, salt: salt}, nil
}

// asking makes prompts.
type asking struct {
	list  *workload.Prompts
	exact bool
}

func (a asking) Item(i int) Item { return promptItem(a.list.Plain(i), a.exact) }

func (a asking) Make(salt uint64, i int) (content, error) { return prompt{a.list.Prompt(salt, i)}, nil }

// prompt is a text to go on with, and how far.
type prompt struct{ workload.Prompt }

func (prompt) form() stack.Input { return stack.Text }

func (p prompt) brief() content {
	p.Tokens = min(p.Tokens, drawnTokens)
	return p
}

// given are a few prompts in turn.
func given(list []workload.Prompt, how stack.Capability) (Fixed, error) {
	c, err := codecOf(how)
	if err != nil {
		return nil, err
	}
	return oneEach(list, nil, func(p workload.Prompt) (Item, content) { return promptItem(p, c.exact), prompt{p} })
}

func promptItem(p workload.Prompt, exact bool) Item {
	return Item{id: p.ID, Golden: p.Golden, asked: p.Tokens, exact: exact}
}

// Paced makes a plan long enough for a text that takes one user so long: a
// window of a few requests has no median, and in the profiles that judge, none
// under 130 a p95. In quick, a window that was asked for stays as it is.
func Paced(o suite.Options, p load.Plan, text time.Duration, users int) load.Plan {
	p.Timeout = TextLimit
	p.Warmup = max(p.Warmup, min(text*3/2, TextLongest))
	if p.Arrivals.Rate > 0 {
		p.Conns = min(p.Conns, textConns)
	}
	// One after the other, twice as many texts as there are users give each two.
	texts, longest := max(textsNeeded, 2*users), TextLongest
	switch {
	case o.Profile.Strict():
		texts, longest = max(textsJudged, 2*users), o.Longest()
	case o.Window > 0:
		return p
	}
	p.Window = min(max(p.Window, time.Duration(texts)*text), max(p.Window, longest))
	return p
}

// TextTime is about how long a text takes a user who is alone: the first one's
// time, as of a text of the mean length.
func (w *Work) TextTime(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	if err := w.Each(ctx, 1, func(int, record.Answer) error { return nil }); err != nil {
		return 0, err
	}
	took, tokens := time.Since(start), 0
	for n := range meanOver {
		tokens += w.In.Items(n)[0].asked
	}
	return time.Duration(float64(took) * float64(tokens) / float64(meanOver*w.In.Items(0)[0].asked)), nil
}

// meanOver is how many requests tell how long texts are, and how large answers.
const meanOver = 256

// textSeconds is about what a window of generated text takes on a CPU: a guess,
// since only the server can tell.
func textSeconds(c suite.Case, o suite.Options) float64 {
	const usual = 2500 * time.Millisecond
	p := Paced(o, load.Plan{Warmup: o.Profile.Warmup(), Window: o.Length()}, usual, c.Load.Conc())
	return (p.Warmup + p.Window + usual*time.Duration(max(1, c.Load.Conc()/4))).Seconds()
}
