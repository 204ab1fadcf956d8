package imageclassification

import (
	"testing"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkImageClassification(b *testing.B) { bench.Run(b, group(), stacks.All()) }

func group() bench.Group {
	const resnet, lite = "resnet50", "efficientnet-lite0"
	g := bench.Group{
		Name: "image_classification", Title: "ImageClassification",
		Reference: stacks.Reference(), Null: stacks.Null(),
		Cases: []bench.Case{
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: bench.Closed(1)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: bench.Closed(8)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: bench.Open(4)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.Tensor, Batch: 8, Load: bench.Closed(1)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.GRPC, Input: stack.Tensor, Batch: 1, Load: bench.Closed(8)},
			{Task: stack.ImageClassification, Model: lite, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: bench.Closed(1)},
			{Task: stack.ImageClassification, Model: lite, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: bench.Closed(8)},
			{Task: stack.ImageClassification, Model: lite, Proto: stack.GRPC, Input: stack.JPEG, Batch: 1, Load: bench.Closed(8)},
		},
	}
	for _, model := range []string{resnet, lite} {
		for _, proto := range []stack.Proto{stack.REST, stack.GRPC} {
			for _, input := range []stack.Input{stack.JPEG, stack.Tensor} {
				g.Cases = append(g.Cases, matrix(g.Cases, bench.Case{Task: stack.ImageClassification, Model: model, Proto: proto, Input: input})...)
			}
		}
	}
	return g
}

// matrix is what the larger profiles add for one model, protocol and input:
// every batch size, few and many users, and two open rates.
func matrix(have []bench.Case, base bench.Case) []bench.Case {
	var out []bench.Case
	add := func(batch int, l bench.Load, from bench.Profile) {
		c := base
		c.Batch, c.Load, c.From = batch, l, from
		if !bench.Has(have, c) && !bench.Has(out, c) {
			out = append(out, c)
		}
	}
	for _, batch := range []int{1, 8, 32} {
		add(batch, bench.Closed(1), bench.Standard)
		add(batch, bench.Closed(8), bench.Full)
	}
	add(1, bench.Closed(8), bench.Standard)
	add(1, bench.Closed(32), bench.Full)
	add(1, bench.Open(4), bench.Standard)
	add(1, bench.Open(16), bench.Full)
	return out
}
