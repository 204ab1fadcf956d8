package embeddings

import (
	"testing"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkEmbeddings(b *testing.B) { bench.Run(b, group(), stacks.All()) }

func group() bench.Group {
	const minilm, mpnet = "all-minilm-l6-v2", "all-mpnet-base-v2"
	text := bench.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text}
	g := bench.Group{
		Name: "embeddings", Title: "Embeddings",
		// Memory is measured where a job would feel it: one big batch after another.
		Footprint: func(c bench.Case) bool { return c.Batch == 32 && c.Load == bench.Closed(1) },
		Reference: stacks.Reference(), Null: stacks.Null(),
	}
	add := func(base bench.Case, batch int, l bench.Load, from bench.Profile) {
		c := base
		c.Batch, c.Load, c.From = batch, l, from
		if !bench.Has(g.Cases, c) {
			g.Cases = append(g.Cases, c)
		}
	}
	grpc := text
	grpc.Proto = stack.GRPC
	add(text, 32, bench.Closed(1), bench.Quick)
	add(text, 1, bench.Closed(1), bench.Quick)
	add(text, 1, bench.Closed(8), bench.Quick)
	add(text, 8, bench.Closed(4), bench.Quick)
	add(text, 1, bench.Open(20), bench.Quick)
	add(grpc, 8, bench.Closed(4), bench.Quick)
	add(grpc, 1, bench.Closed(8), bench.Quick)
	stream := grpc
	stream.Proto = stack.Stream
	add(stream, 8, bench.Closed(4), bench.Quick)
	ids := text
	ids.Input = stack.IDs
	add(ids, 8, bench.Closed(4), bench.Quick)
	for _, model := range []string{minilm, mpnet} {
		for _, base := range []bench.Case{
			{Task: stack.Embeddings, Model: model, Proto: stack.REST, Input: stack.Text}, {Task: stack.Embeddings, Model: model, Proto: stack.GRPC, Input: stack.Text},
			{Task: stack.Embeddings, Model: model, Proto: stack.REST, Input: stack.IDs}, {Task: stack.Embeddings, Model: model, Proto: stack.GRPC, Input: stack.IDs},
		} {
			for _, batch := range []int{32, 8, 1} {
				add(base, batch, bench.Closed(1), bench.Standard)
				add(base, batch, bench.Closed(8), bench.Standard)
				add(base, batch, bench.Closed(32), bench.Full)
			}
			add(base, 1, bench.Open(20), bench.Standard)
			add(base, 1, bench.Open(100), bench.Full)
		}
	}
	return g
}
