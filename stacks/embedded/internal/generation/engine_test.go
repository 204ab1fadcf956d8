package generation_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/tokenizer"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/tiny"
)

// bench is an engine on the tiny decoder, computed in Go.
type bench struct {
	*generation.Engine
	metrics *metrics.Metrics
	mu      sync.Mutex
	begun   []*tiny.Sequence
	rooms   []int
	hold    chan struct{} // each execution takes one, if there is a channel
	fail    error
}

type step struct {
	*tiny.Sequence
	bench *bench
}

func (s step) Next(ids []int64) ([]float32, error) {
	if s.bench.hold != nil {
		<-s.bench.hold
	}
	if s.bench.fail != nil {
		return nil, s.bench.fail
	}
	return s.Sequence.Next(ids)
}

func (b *bench) begin(room int) (generation.Sequence, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &tiny.Sequence{}
	b.begun, b.rooms = append(b.begun, s), append(b.rooms, room)
	return step{s, b}, nil
}

func open(t *testing.T, o generation.Options) *bench {
	tok, err := tokenizer.Open(filepath.Join(tiny.Store(t), tiny.Decoder, "tokenizer.json"), tokenizer.Unlimited)
	require.NoError(t, err)
	b := &bench{metrics: metrics.New("m")}
	b.Engine = generation.New(b.begin, tiny.DecoderSpec(), tok, b.metrics, o)
	return b
}

func one() generation.Options { return generation.Options{AtOnce: 1, Steps: 1, Waiting: 1} }

func (b *bench) ask(t *testing.T, r generation.Request) ([]generation.Chunk, error) {
	t.Helper()
	var chunks []generation.Chunk
	err := b.Generate(context.Background(), r, func(c generation.Chunk) error {
		chunks = append(chunks, c)
		return nil
	})
	return chunks, err
}

func textOf(chunks []generation.Chunk) string {
	text := ""
	for _, c := range chunks {
		text += c.Text
	}
	return text
}

func TestATokenIsAChunk(t *testing.T) {
	b := open(t, one())
	chunks, err := b.ask(t, generation.Request{Prompt: "bc", Max: 7})
	require.NoError(t, err)
	require.Equal(t, []int64{2, 2, 2, 2, 2, 2, 3}, tiny.Greedy(t, []int64{2, 3}, 7, true))
	require.Len(t, chunks, 7)
	for i, c := range chunks {
		want := generation.Chunk{Text: "b", Tokens: 1, Prompt: 2, Total: i + 1}
		if i == 6 {
			want.Text, want.Finish = "c", generation.Length
		}
		require.Equal(t, want, c)
	}
	require.Equal(t, []int{2 + 7 - 1}, b.rooms, "the last token is not computed on")
	require.True(t, b.begun[0].Closed)
}

// The model's own end is no token of the answer.
func TestTheModelsEnd(t *testing.T) {
	b := open(t, one())
	chunks, err := b.ask(t, generation.Request{Prompt: "ab", Max: 20})
	require.NoError(t, err)
	require.Equal(t, generation.Chunk{Finish: generation.Stop, Prompt: 1, Total: 13}, chunks[13])
	require.Len(t, chunks, 14)

	chunks, err = b.ask(t, generation.Request{Prompt: "ab c", Max: 20})
	require.NoError(t, err)
	require.Equal(t, []generation.Chunk{{Finish: generation.Stop, Prompt: 2}}, chunks, "at once")

	chunks, err = b.ask(t, generation.Request{Prompt: "ab", Max: 20, IgnoreEOS: true})
	require.NoError(t, err)
	require.Len(t, chunks, 20)
	require.Equal(t, generation.Chunk{Tokens: 1, Prompt: 1, Total: 14}, chunks[13], "a token without text")
	require.Equal(t, generation.Length, chunks[19].Finish)

	for _, r := range []generation.Request{{Prompt: "ab", Max: 20, Min: 14}, {Prompt: "ab", Max: 20, Min: 20, IgnoreEOS: true}} {
		chunks, err = b.ask(t, r)
		require.NoError(t, err)
		require.Equal(t, generation.Chunk{Text: "a", Tokens: 1, Prompt: 1, Total: 14}, chunks[13], "the second likeliest")
	}
}

func TestHalfACharacterIsHeldBack(t *testing.T) {
	b := open(t, one())
	chunks, err := b.ask(t, generation.Request{Prompt: "a", Max: 22})
	require.NoError(t, err)
	require.Equal(t, "bbbbbbbbbbbbbbbbcccdé", textOf(chunks))
	require.Equal(t, generation.Chunk{Tokens: 1, Prompt: 1, Total: 21}, chunks[20])
	require.Equal(t, generation.Chunk{Text: "é", Tokens: 1, Prompt: 1, Total: 22, Finish: generation.Length}, chunks[21])
	chunks, err = b.ask(t, generation.Request{Prompt: "a", Max: 21})
	require.NoError(t, err)
	require.Equal(t, "\uFFFD", chunks[20].Text, "the other half never came")
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	b := open(t, one())
	for want, r := range map[string]generation.Request{
		"4 tokens of the prompt and 45 of max_tokens are over the model's context of 48": {Prompt: "cccc", Max: 45},
		"are over the model's context":    {Prompt: "c", Max: math.MaxInt},
		"the prompt is empty":             {Max: 1},
		"the prompt is not UTF-8":         {Prompt: "\xff", Max: 1},
		"the prompt has no tokens":        {Prompt: "xyz", Max: 1}, // whose bytes the vocabulary lacks
		"max_tokens is 0":                 {Prompt: "a"},
		"min_tokens is 3: it can be 0 to": {Prompt: "a", Max: 2, Min: 3},
	} {
		chunks, err := b.ask(t, r)
		require.ErrorContains(t, err, want)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.Empty(t, chunks)
	}
	require.Empty(t, b.begun)
	chunks, err := b.ask(t, generation.Request{Prompt: "cccc", Max: 44, IgnoreEOS: true})
	require.NoError(t, err)
	require.Len(t, chunks, 44, "the whole context")
}

func TestFailuresEndAnAnswer(t *testing.T) {
	b := open(t, one())
	b.fail = errors.New("out of memory")
	_, err := b.ask(t, generation.Request{Prompt: "a", Max: 2})
	require.EqualError(t, err, "out of memory")
	require.Equal(t, fault.Compute, fault.KindOf(err))
	b.fail = nil
	given := 0
	err = b.Generate(context.Background(), generation.Request{Prompt: "a", Max: 20}, func(generation.Chunk) error {
		given++
		return errors.New("broken pipe")
	})
	require.Equal(t, fault.Gone, fault.KindOf(err))
	require.Equal(t, 1, given)
	for _, s := range b.begun {
		require.True(t, s.Closed)
	}
	_, err = b.ask(t, generation.Request{Prompt: "a", Max: 1})
	require.NoError(t, err, "its slot is free again")
}

// gauge reads a metric: a gauge's value or a histogram's count.
func (b *bench) gauge(t *testing.T, name string) float64 {
	families, err := b.metrics.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	require.Fail(t, "no "+name)
	return 0
}

func TestMetricsOfAnAnswer(t *testing.T) {
	b := open(t, one())
	_, err := b.ask(t, generation.Request{Prompt: "bc", Max: 5})
	require.NoError(t, err)
	require.EqualValues(t, 1, b.gauge(t, "stackbench_queue_seconds"))
	require.EqualValues(t, 1, b.gauge(t, "stackbench_preprocess_seconds"))
	require.EqualValues(t, 1, b.gauge(t, "stackbench_compute_seconds"), "once an answer, as the other parts of its time")
	require.EqualValues(t, 5, b.gauge(t, "stackbench_batch_size"), "an execution a token")
	require.Zero(t, b.gauge(t, "stackbench_queue_depth"))
}

func TestOneMoreThanMayWaitIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, generation.Options{AtOnce: 2, Steps: 1, Waiting: 1})
		b.hold = make(chan struct{})
		var all sync.WaitGroup
		for range 3 { // two under way, one waits
			all.Go(func() {
				chunks, err := b.ask(t, generation.Request{Prompt: "bc", Max: 3})
				if err != nil || textOf(chunks) != "bbb" {
					t.Errorf("%q: %v", textOf(chunks), err)
				}
			})
			synctest.Wait()
		}
		require.Len(t, b.begun, 2)
		require.EqualValues(t, 2, b.gauge(t, "stackbench_queue_depth"), "one has its turn, and has begun")
		_, err := b.ask(t, generation.Request{Prompt: "a", Max: 1})
		require.Equal(t, fault.Full, fault.KindOf(err))
		require.ErrorContains(t, err, "the queue of 1 requests is full, behind 2 answers")
		close(b.hold)
		all.Wait()
		require.Zero(t, b.gauge(t, "stackbench_queue_depth"))
	})
}

// Answers that are under way together take turns by the token.
func TestAnswersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, generation.Options{AtOnce: 2, Steps: 1, Waiting: 1})
		b.hold = make(chan struct{})
		var mu sync.Mutex
		var order strings.Builder
		var all sync.WaitGroup
		for _, prompt := range []string{"bc", "d!"} {
			all.Go(func() {
				err := b.Generate(context.Background(), generation.Request{Prompt: prompt, Max: 3}, func(generation.Chunk) error {
					mu.Lock()
					defer mu.Unlock()
					order.WriteString(prompt[:1])
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for range 6 {
			b.hold <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
		require.Equal(t, "bdbdbd", order.String())
	})
}

func TestAClientThatLeavesEndsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, one())
		b.hold = make(chan struct{})
		ctx, leave := context.WithCancel(context.Background())
		ends := make(chan error, 2)
		chunks := 0
		generate := func(ctx context.Context) {
			ends <- b.Generate(ctx, generation.Request{Prompt: "bc", Max: 30}, func(generation.Chunk) error { chunks++; return nil })
		}
		go generate(ctx)
		synctest.Wait()
		waits, forget := context.WithCancel(context.Background())
		go generate(waits)
		synctest.Wait()
		forget()
		require.Equal(t, fault.Gone, fault.KindOf(<-ends), "it waited")
		b.hold <- struct{}{}
		synctest.Wait()
		require.Equal(t, 1, chunks)
		leave()
		b.hold <- struct{}{} // the execution under way ends
		require.Equal(t, fault.Gone, fault.KindOf(<-ends))
		require.LessOrEqual(t, chunks, 2)
		require.True(t, b.begun[0].Closed)
		require.Zero(t, b.gauge(t, "stackbench_queue_depth"))
	})
}

func TestCloseEndsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, one())
		b.hold = make(chan struct{})
		end := make(chan error, 1)
		go func() {
			end <- b.Generate(context.Background(), generation.Request{Prompt: "bc", Max: 30}, func(generation.Chunk) error { return nil })
		}()
		synctest.Wait()
		closed := make(chan struct{})
		go func() { b.Close(); close(closed) }()
		synctest.Wait()
		b.hold <- struct{}{}
		require.Equal(t, fault.NotReady, fault.KindOf(<-end))
		<-closed
		_, err := b.ask(t, generation.Request{Prompt: "a", Max: 1})
		require.Equal(t, fault.NotReady, fault.KindOf(err))
	})
}

func TestWarm(t *testing.T) {
	b := open(t, one())
	require.NoError(t, generation.Warm(b.begin, tiny.DecoderSpec()))
	require.True(t, b.begun[0].Closed)
	b.fail = errors.New("no such input")
	require.EqualError(t, generation.Warm(b.begin, tiny.DecoderSpec()), "no such input")
	small := tiny.DecoderSpec()
	small.Context = 2
	b.fail = nil
	require.NoError(t, generation.Warm(b.begin, small))
}

// The parts of an answer's time make up the whole of it: what a reader takes off
// the time that the client saw is the network, and nothing else.
func TestPartsOfAnAnswersTimeMakeUpTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const step = 10 * time.Millisecond
		b := open(t, generation.Options{AtOnce: 2, Steps: 1, Waiting: 1})
		b.hold = make(chan struct{})
		var mu sync.Mutex
		var whole time.Duration
		var all sync.WaitGroup
		for _, prompt := range []string{"bc", "d!"} {
			all.Go(func() {
				start := time.Now()
				if _, err := b.ask(t, generation.Request{Prompt: prompt, Max: 3}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				whole += time.Since(start)
			})
			synctest.Wait()
		}
		for range 6 { // in turns: of the two answers one takes 50 ms, the other 60
			<-time.After(step)
			b.hold <- struct{}{}
		}
		all.Wait()
		require.Equal(t, 11*step, whole)
		require.InDelta(t, (6 * step).Seconds(), b.seconds(t, "stackbench_compute_seconds"), 1e-9)
		require.InDelta(t, (5 * step).Seconds(), b.seconds(t, "stackbench_queue_seconds"), 1e-9)
	})
}

// seconds is the sum of a histogram.
func (b *bench) seconds(t *testing.T, name string) float64 {
	families, err := b.metrics.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetHistogram().GetSampleSum()
		}
	}
	require.Fail(t, "no "+name)
	return 0
}
