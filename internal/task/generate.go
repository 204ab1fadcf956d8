package task

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
	"stackbench/internal/suite"
	"stackbench/internal/unit"
	"stackbench/internal/workload"
)

// generating is a prompt in, text out.
type generating struct{}

func (generating) Rate() unit.Name { return "" }

func (generating) Unchecked(why string) Judge { return quality.Unknown(why) }

func (generating) Ending() string { return "json" }

func (generating) Encode(r Right) ([]byte, error) { return json.Marshal(r.Texts) }

func (generating) Measured(g suite.Group, c suite.Case) *meter.Generation {
	return &meter.Generation{Stream: c.Proto != stack.REST, TTFT: g.Limits.TTFT, ITL: g.Limits.ITL}
}

func (generating) Guess(c suite.Case, o suite.Options) (time.Duration, bool) {
	return time.Duration(textSeconds(c, o) * float64(time.Second)), true
}

func (generating) Pace(ctx context.Context, o suite.Options, w *Work, p load.Plan, users int) (load.Plan, bool, error) {
	alone, err := w.TextTime(ctx)
	if err != nil {
		return p, false, err
	}
	return Paced(o, p, alone, users), true, nil
}

func (generating) inputs(_ *Supply, c suite.Case, how stack.Capability, _ Served, salt uint64) (inputs, error) {
	return prompts(workload.Lengths(c.Lengths), c.Share, how, salt)
}

func (generating) judge(m Right, _ stack.Input, precision string) Judge {
	switch {
	case m.Texts == nil:
		return nil
	case precision != "":
		return quality.NewTexts(m.Texts, quality.NearTie16)
	}
	return quality.NewTexts(m.Texts, quality.NearTie)
}

func (generating) Committed(m Served) (Right, error) {
	g, err := quality.ReadTexts(stackbench.Testdata(), m.Name)
	if err != nil {
		return Right{}, err
	}
	return Right{Texts: g}, g.Match(m.SHA256)
}

func (generating) Decode(file []byte, m Served) (Right, error) {
	g, err := quality.ParseTexts(file)
	if err != nil {
		return Right{}, err
	}
	return Right{Texts: g}, g.Match(m.SHA256)
}

func (generating) None(m Served, maker string) Right {
	return Right{Texts: &quality.GoldenTexts{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Maker: maker, Answers: map[string]quality.GoldenText{}}}
}

// Questions are all committed prompts.
func (generating) Questions(by stack.Stack, m Served) ([]question, error) {
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
		out = append(out, question{suite.Case{Task: m.Task, Model: m.Name, Proto: stack.REST, Input: stack.Text, Lengths: suite.Chat, Batch: 1}, how, in})
	}
	return out, nil
}

var errNoText = errors.New("the answer has no text")

func (generating) Collect(to Right, it Item, _ stack.Input, got Answers) error {
	t, ok := only[written](got)
	if !ok {
		return errNoText
	}
	to.Texts.Answers[it.id] = quality.GoldenText{Text: t.Text}
	return nil
}

// drawnTokens are those of a text that the reference stack is asked for.
const drawnTokens = 8

func (generating) Redone(_ Served, _ suite.Case, maker, precision string) Redone {
	return redoneTexts{quality.NewOpenings(maker, precision)}
}

// redoneTexts compares how texts begin.
type redoneTexts struct{ openings *quality.Openings }

func (r redoneTexts) Add(it Item, _ int, got, want Answers) {
	ours, ok := only[written](got)
	if right, known := only[written](want); ok && known {
		r.openings.Add(it.id, right.Text, min(it.asked, drawnTokens), quality.Generated{Text: ours.Text, Exact: it.exact})
	}
}

func (r redoneTexts) Verdict() quality.Verdict { return r.openings.Verdict() }

// Claims holds the tokens that answers were said to have against their texts.
func (generating) Claims(m Served, known Right, claimed []Claim) meter.Claims {
	var c meter.Claims
	if known.Texts == nil {
		return c
	}
	for _, one := range claimed {
		if t, ok := only[written](one.Got); ok && one.Tokens > 0 {
			c.Claimed = append(c.Claimed, ratio(m, one.Tokens, t.Text))
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
			if a, ok := known.Texts.Answers[p.ID]; ok {
				c.Honest = append(c.Honest, ratio(m, p.Tokens, a.Text))
			}
		}
	}
	return c
}

// ratio is the tokens of an answer for each that its text has: for each byte,
// where the tokenizer is not known.
func ratio(m Served, tokens int, text string) float64 {
	if m.Tokenizer == nil {
		return float64(tokens) / float64(max(1, len(text)))
	}
	ids, err := m.Tokenizer.Encode(text)
	if err != nil || len(ids) == 0 {
		return float64(tokens)
	}
	return float64(tokens) / float64(len(ids))
}
