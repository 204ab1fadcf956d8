package batchserving

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkBatchServing(b *testing.B) { bench.Run(b, group(), stacks.All()) }

// limit is the p99 that a knee holds: a wait that a person at a page does not
// notice as one.
const limit = 200 * time.Millisecond

func group() suite.Group {
	g := suite.Group{
		Name: "batch_serving", Title: "BatchServing",
		Tokens: 16, Sizes: sizes(), Limits: suite.Limits{TTFT: time.Second, ITL: 100 * time.Millisecond},
		Reference: stacks.Reference(), Null: stacks.Null(),
	}
	add := func(base suite.Case, b suite.Batcher, l suite.Load, from suite.Profile) {
		base.Batcher, base.Load, base.From = b, l, from
		if !suite.Has(g.Cases, base) {
			g.Cases = append(g.Cases, base)
		}
	}
	texts := suite.Case{Task: stack.Embeddings, Model: "all-minilm-l6-v2", Proto: stack.REST, Input: stack.Text, Batch: suite.Mixed}
	images := suite.Case{Task: stack.ImageClassification, Model: "efficientnet-lite0", Proto: stack.REST, Input: stack.JPEG, Batch: 1}
	for _, of := range []struct {
		work suite.Case
		most int
	}{{texts, 32}, {images, 16}} {
		off, at := suite.BatcherOff(), func(d time.Duration) suite.Batcher { return suite.BatcherOn(of.most, d) }
		for _, b := range []suite.Batcher{off, at(0), at(5 * time.Millisecond)} {
			add(of.work, b, suite.Closed(16), suite.Quick)
		}
		for _, b := range []suite.Batcher{off, at(5 * time.Millisecond)} {
			add(of.work, b, suite.Closed(1), suite.Quick)
			add(of.work, b, suite.Closed(64), suite.Quick)
		}
		for _, b := range []suite.Batcher{off, at(0), at(5 * time.Millisecond)} {
			add(of.work, b, suite.Knee(limit), suite.Quick)
		}
		for _, b := range []suite.Batcher{off, at(0), at(5 * time.Millisecond), at(20 * time.Millisecond)} {
			for _, users := range []int{1, 4, 16, 64} {
				add(of.work, b, suite.Closed(users), suite.Standard)
			}
			for _, rate := range []int{10, 20, 40, 80, 160} {
				add(of.work, b, suite.Open(rate), suite.Full)
			}
			add(of.work, b, suite.Knee(limit), suite.Standard)
		}
	}
	generated(&g)
	return g
}

// generated adds the half that is about generated text: a static batch, which
// takes no new request until its longest answer has ended, against one that is
// formed anew at every step. Stacks that cannot wait have no delay, so the
// static batch is asked for with one, too.
func generated(g *suite.Group) {
	const most = 16
	chat := suite.Case{Task: stack.TextGeneration, Model: "gpt2", Proto: stack.SSE, Input: stack.Text, Lengths: suite.Chat, Batch: 1}
	for _, b := range []suite.Batcher{suite.BatcherOff(), suite.BatcherOn(most, 0), suite.BatcherOn(most, 50*time.Millisecond)} {
		for _, users := range []int{1, 4, 16, 64} {
			c := chat
			c.Batcher, c.Load = b, suite.Closed(users)
			if users == 64 || b.Delay > 0 {
				c.From = suite.Standard
			}
			g.Cases = append(g.Cases, c)
		}
	}
}

// sizes is drawn from evenly: sixteen in proportion to one over themselves,
// each at least once.
func sizes() []int {
	var out []int
	for size := 1; size <= 16; size++ {
		for range int(math.Round(60 / float64(size))) {
			out = append(out, size)
		}
	}
	return out
}

func TestSizesAreMostlySmall(t *testing.T) {
	count := map[int]int{}
	sum := 0
	for _, n := range sizes() {
		count[n]++
		sum += n
	}
	require.Len(t, count, 16)
	require.Equal(t, 60, count[1])
	require.Equal(t, 30, count[2])
	require.Equal(t, 4, count[16])
	require.InDelta(t, 4.75, float64(sum)/float64(len(sizes())), 0.05, "doc.go states the mean")
}
