package embeddings

import (
	"testing"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkEmbeddings(b *testing.B) { bench.Run(b, group(), stacks.All()) }

func group() suite.Group {
	const minilm, mpnet = "all-minilm-l6-v2", "all-mpnet-base-v2"
	text := suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text}
	g := suite.Group{
		Name: "embeddings", Title: "Embeddings",
		// Memory is measured where a job would feel it: one big batch after another.
		Footprint: func(c suite.Case) bool { return c.Batch == 32 && c.Load == suite.Closed(1) },
		Reference: stacks.Reference(), Null: stacks.Null(),
	}
	add := func(base suite.Case, batch int, l suite.Load, from suite.Profile) {
		c := base
		c.Batch, c.Load, c.From = batch, l, from
		if !suite.Has(g.Cases, c) {
			g.Cases = append(g.Cases, c)
		}
	}
	grpc := text
	grpc.Proto = stack.GRPC
	add(text, 32, suite.Closed(1), suite.Quick)
	add(text, 1, suite.Closed(1), suite.Quick)
	add(text, 1, suite.Closed(8), suite.Quick)
	add(text, 8, suite.Closed(4), suite.Quick)
	add(text, 1, suite.Open(20), suite.Quick)
	add(grpc, 8, suite.Closed(4), suite.Quick)
	add(grpc, 1, suite.Closed(8), suite.Quick)
	stream := grpc
	stream.Proto = stack.Stream
	add(stream, 8, suite.Closed(4), suite.Quick)
	ids := text
	ids.Input = stack.IDs
	add(ids, 8, suite.Closed(4), suite.Quick)
	for _, model := range []string{minilm, mpnet} {
		for _, base := range []suite.Case{
			{Task: stack.Embeddings, Model: model, Proto: stack.REST, Input: stack.Text}, {Task: stack.Embeddings, Model: model, Proto: stack.GRPC, Input: stack.Text},
			{Task: stack.Embeddings, Model: model, Proto: stack.REST, Input: stack.IDs}, {Task: stack.Embeddings, Model: model, Proto: stack.GRPC, Input: stack.IDs},
		} {
			for _, batch := range []int{32, 8, 1} {
				add(base, batch, suite.Closed(1), suite.Standard)
				add(base, batch, suite.Closed(8), suite.Standard)
				add(base, batch, suite.Closed(32), suite.Full)
			}
			add(base, 1, suite.Open(20), suite.Standard)
			add(base, 1, suite.Open(100), suite.Full)
		}
	}
	return g
}
