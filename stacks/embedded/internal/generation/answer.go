package generation

import (
	"context"
	"errors"
	"math"
	"time"

	"stackbench/internal/tokenizer"
	"stackbench/stacks/embedded/internal/fault"
)

// answer is one request on its way.
type answer struct {
	engine  *Engine
	request Request
	arrived time.Time
	started bool          // its first execution has begun
	waited  time.Duration // for its turns
	taken   time.Duration // by its executions
	text    *tokenizer.Decoder
	prompt  int // tokens
	total   int // tokens generated
}

// begun takes the request out of those that wait, once.
func (a *answer) begun() {
	if !a.started {
		a.started = true
		a.engine.metrics.Queued(-1)
	}
}

func (a *answer) run(ctx context.Context, prompt []int64, give func(Chunk) error) error {
	// The last token is not computed on.
	sequence, err := a.engine.begin(len(prompt) + a.request.Max - 1)
	if err != nil {
		return err
	}
	defer sequence.Close()
	for ids := prompt; ; {
		token, err := a.step(ctx, sequence, ids)
		if err != nil {
			return err
		}
		chunk := a.add(token)
		if chunk.Finish != "" { // first, so that who has the answer finds it counted
			a.engine.metrics.Waited(a.waited)
			a.engine.metrics.Computed(a.taken)
		}
		if err := give(chunk); err != nil {
			return fault.New(fault.Gone, "the client left: %v", err)
		}
		if chunk.Finish != "" {
			return nil
		}
		ids = []int64{token}
	}
}

// step executes the decoder once, in its turn, and returns the likeliest token.
func (a *answer) step(ctx context.Context, s Sequence, ids []int64) (int64, error) {
	e := a.engine
	if ctx.Err() != nil {
		return 0, e.left(ctx)
	}
	asked := a.arrived
	if a.started {
		asked = time.Now()
	}
	select {
	case e.turns <- struct{}{}:
	case <-ctx.Done():
		return 0, e.left(ctx)
	}
	start := time.Now()
	a.waited += start.Sub(asked)
	a.begun()
	logits, err := s.Next(ids)
	<-e.turns
	if err != nil {
		return 0, err
	}
	a.taken += time.Since(start)
	e.metrics.Stepped(1)
	never := int64(-1)
	if a.total < a.request.Min {
		never = e.spec.EOS
	}
	return likeliest(logits, never)
}

// add makes the chunk of the next token.
func (a *answer) add(token int64) Chunk {
	c := Chunk{Prompt: a.prompt}
	if token == a.engine.spec.EOS && !a.request.IgnoreEOS {
		c.Text, c.Finish, c.Total = a.text.Rest(), Stop, a.total
		return c
	}
	a.total++
	c.Text, c.Tokens, c.Total = a.text.Add(token), 1, a.total
	if a.total == a.request.Max {
		c.Text, c.Finish = c.Text+a.text.Rest(), Length
	}
	return c
}

var errNoMaximum = errors.New("the model computed no logit over minus infinity")

// likeliest is the index of the greatest logit but that of never; of equal ones
// the first.
func likeliest(logits []float32, never int64) (int64, error) {
	best, at := float32(math.Inf(-1)), int64(-1)
	for i, v := range logits {
		if v > best && int64(i) != never {
			best, at = v, int64(i)
		}
	}
	if at < 0 {
		return 0, errNoMaximum
	}
	return at, nil
}
