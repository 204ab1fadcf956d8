package generation

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"stackbench/internal/stack"
	"stackbench/internal/tokenizer"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/metrics"
)

// Sequence is a text under way inside a decoder.
type Sequence interface {
	// Next appends tokens and returns the logits [vocab] of the one that
	// follows, which are valid until the next call.
	Next(ids []int64) ([]float32, error)
	Close()
}

// Begin starts an empty sequence with room for so many tokens.
type Begin func(room int) (Sequence, error)

// Options sets an engine.
type Options struct {
	AtOnce  int // answers that are generated at a time
	Steps   int // executions of the decoder at a time; answers take turns
	Waiting int // requests that may wait; more are refused
}

// Engine answers requests. It is safe for concurrent use.
type Engine struct {
	begin     Begin
	spec      stack.DecoderSpec
	tokenizer *tokenizer.Tokenizer
	metrics   *metrics.Metrics
	options   Options
	slots     chan struct{} // a token for each answer under way
	turns     chan struct{} // a token for each execution under way
	waiting   atomic.Int64
	stop      context.CancelFunc
	stopped   context.Context
	mu        sync.Mutex // between a request that comes and Close
	running   sync.WaitGroup
}

// New returns an engine on a decoder and its tokenizer. Close ends it.
func New(begin Begin, spec stack.DecoderSpec, t *tokenizer.Tokenizer, m *metrics.Metrics, o Options) *Engine {
	stopped, stop := context.WithCancel(context.Background())
	return &Engine{
		begin: begin, spec: spec, tokenizer: t, metrics: m, options: o,
		slots: make(chan struct{}, o.AtOnce), turns: make(chan struct{}, o.Steps), stop: stop, stopped: stopped,
	}
}

// Close ends the answers under way at their next token and returns when they
// have ended.
func (e *Engine) Close() {
	e.mu.Lock()
	e.stop()
	e.mu.Unlock()
	e.running.Wait()
}

// come counts a request that Close must wait for.
func (e *Engine) come() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped.Err() != nil {
		return e.left(e.stopped)
	}
	e.running.Add(1)
	return nil
}

// Generate gives the chunks of an answer, each as soon as it is computed, until
// the last, which says why it ended. Errors: kind Invalid for a request that
// does not fit, Full when too many wait, Gone when ctx ended or give failed,
// NotReady after Close; else what the decoder returned.
func (e *Engine) Generate(ctx context.Context, r Request, give func(Chunk) error) error {
	if err := e.come(); err != nil {
		return err
	}
	defer e.running.Done()
	start := time.Now()
	prompt, err := e.prompt(r)
	if err != nil {
		return err
	}
	e.metrics.Preprocessed(time.Since(start))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.stopped, cancel)()
	a := &answer{engine: e, request: r, arrived: time.Now(), prompt: len(prompt)}
	e.metrics.Queued(+1)
	defer a.begun()
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer func() { <-e.slots }()
	if a.text, err = e.tokenizer.Decoder(); err != nil {
		return err
	}
	return a.run(ctx, prompt, give)
}

// prompt tokenises, and refuses what the model cannot hold.
func (e *Engine) prompt(r Request) ([]int64, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	ids, err := e.tokenizer.Encode(r.Prompt)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the prompt: %v", err)
	}
	if len(ids) == 0 {
		return nil, fault.New(fault.Invalid, "the prompt has no tokens")
	}
	// Not by their sum, which could overflow.
	if r.Max > e.spec.Context-len(ids) {
		return nil, fault.New(fault.Invalid, "%d tokens of the prompt and %d of max_tokens are over the model's context of %d", len(ids), r.Max, e.spec.Context)
	}
	return ids, nil
}

// enter waits for a slot.
func (e *Engine) enter(ctx context.Context) error {
	select {
	case e.slots <- struct{}{}:
		return nil
	default:
	}
	if e.waiting.Add(1) > int64(e.options.Waiting) {
		e.waiting.Add(-1)
		return fault.New(fault.Full, "the queue of %d requests is full, behind %d answers under way", e.options.Waiting, e.options.AtOnce)
	}
	defer e.waiting.Add(-1)
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return e.left(ctx)
	}
}

// left is the error of a request whose context ended.
func (e *Engine) left(ctx context.Context) error {
	if e.stopped.Err() != nil {
		return fault.New(fault.NotReady, "the server is stopping")
	}
	return fault.New(fault.Gone, "the client left: %v", ctx.Err())
}

// Warm generates a few tokens: the first request shall not pay for what is made
// once, and a graph that is not a decoder's is found out before it is asked.
func Warm(begin Begin, spec stack.DecoderSpec) error {
	const tokens = 4
	sequence, err := begin(min(2*tokens, spec.Context))
	if err != nil {
		return fmt.Errorf("begin a sequence: %w", err)
	}
	defer sequence.Close()
	ids := make([]int64, min(tokens, spec.Context-1))
	for range min(tokens, spec.Context-len(ids)) {
		logits, err := sequence.Next(ids)
		if err != nil {
			return err
		}
		next, err := likeliest(logits, -1)
		if err != nil {
			return err
		}
		ids = []int64{next}
	}
	return nil
}
