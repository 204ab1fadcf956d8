package bench

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"stackbench"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/unit"
	"stackbench/internal/workload"
)

// generating is a prompt in, text out.
type generating struct{}

func (generating) rate() unit.Name                { return "" }
func (generating) unchecked(why string) judge     { return quality.Unknown(why) }
func (generating) ending() string                 { return "json" }
func (generating) encode(r right) ([]byte, error) { return json.Marshal(r.texts) }

func (generating) measured(g Group, c Case) *meter.Generation {
	return &meter.Generation{Stream: c.Proto != stack.REST, TTFT: g.Limits.TTFT, ITL: g.Limits.ITL}
}

func (generating) guess(c Case, o Options) (time.Duration, bool) {
	return time.Duration(textSeconds(c, o) * float64(time.Second)), true
}

func (generating) pace(ctx context.Context, o Options, w *work, p load.Plan, users int) (load.Plan, bool, error) {
	alone, err := w.textTime(ctx)
	if err != nil {
		return p, false, err
	}
	return paced(o, p, alone, users), true, nil
}

func (generating) inputs(_ *supply, c Case, how stack.Capability, _ served, salt uint64) (inputs, error) {
	return prompts(workload.Lengths(c.Lengths), c.Share, how, salt)
}

func (generating) judge(m right, _ stack.Input, precision string) judge {
	switch {
	case m.texts == nil:
		return nil
	case precision != "":
		return quality.NewTexts(m.texts, quality.NearTie16)
	}
	return quality.NewTexts(m.texts, quality.NearTie)
}

func (generating) committed(m served) (right, error) {
	g, err := quality.ReadTexts(stackbench.Testdata(), m.Name)
	if err != nil {
		return right{}, err
	}
	return right{texts: g}, g.Match(m.SHA256)
}

func (generating) decode(file []byte, m served) (right, error) {
	g, err := quality.ParseTexts(file)
	if err != nil {
		return right{}, err
	}
	return right{texts: g}, g.Match(m.SHA256)
}

func (generating) none(m served, maker string) right {
	return right{texts: &quality.GoldenTexts{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: maker, Answers: map[string]quality.GoldenText{}}}
}

// questions are all committed prompts.
func (generating) questions(by stack.Stack, m served) ([]question, error) {
	how, ok := by.Find(m.Task, stack.REST, stack.Text, 1)
	if !ok {
		return nil, nil
	}
	var out []question
	for _, lengths := range workload.KnownLengths() {
		list, err := workload.KnownPrompts(stackbench.Testdata(), lengths)
		if err != nil {
			return nil, err
		}
		in, err := given(list, how)
		if err != nil {
			return nil, err
		}
		out = append(out, question{Case{Task: m.Task, Model: m.Name, Proto: stack.REST, Input: stack.Text, Lengths: Chat, Batch: 1}, how, in})
	}
	return out, nil
}

var errNoText = errors.New("the answer has no text")

func (generating) collect(to right, it item, _ stack.Input, got answers) error {
	if got.text == nil {
		return errNoText
	}
	to.texts.Answers[it.id] = quality.GoldenText{Text: got.text.Text}
	return nil
}

// drawnTokens are those of a text that the reference is asked for.
const drawnTokens = 8

func (generating) redone(_ served, _ Case, maker, precision string) redone {
	return redoneTexts{quality.NewOpenings(maker, precision)}
}

// redoneTexts compares how texts begin.
type redoneTexts struct{ openings *quality.Openings }

func (r redoneTexts) add(it item, _ int, got, want answers) {
	if got.text != nil && want.text != nil {
		r.openings.Add(it.id, want.text.Text, min(it.asked, drawnTokens), quality.Generated{Text: got.text.Text, Exact: it.exact})
	}
}

func (r redoneTexts) verdict() quality.Verdict { return r.openings.Verdict() }

// claims holds the tokens that answers were said to have against their texts.
func (generating) claims(m served, known right, claimed []claim) meter.Claims {
	var c meter.Claims
	if known.texts == nil {
		return c
	}
	for _, one := range claimed {
		if one.tokens > 0 && one.got.text != nil {
			c.Claimed = append(c.Claimed, ratio(m, one.tokens, one.got.text.Text))
		}
	}
	if m.Tokenizer == nil {
		c.Honest = []float64{1} // a token has a byte at least
		return c
	}
	c.Spelt = true
	for _, lengths := range workload.KnownLengths() {
		prompts, err := workload.KnownPrompts(stackbench.Testdata(), lengths)
		if err != nil {
			return meter.Claims{}
		}
		for _, p := range prompts {
			if a, ok := known.texts.Answers[p.ID]; ok {
				c.Honest = append(c.Honest, ratio(m, p.Tokens, a.Text))
			}
		}
	}
	return c
}

// ratio is the tokens of an answer for each that its text has: for each byte,
// where the tokenizer is not known.
func ratio(m served, tokens int, text string) float64 {
	if m.Tokenizer == nil {
		return float64(tokens) / float64(max(1, len(text)))
	}
	ids, err := m.Tokenizer.Encode(text)
	if err != nil || len(ids) == 0 {
		return float64(tokens)
	}
	return float64(tokens) / float64(len(ids))
}
