package imageclassification

import (
	"testing"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkImageClassification(b *testing.B) { bench.Run(b, group(), stacks.All()) }

func group() suite.Group {
	const resnet, lite = "resnet50", "efficientnet-lite0"
	g := suite.Group{
		Name: "image_classification", Title: "ImageClassification",
		Reference: stacks.Reference(), Null: stacks.Null(),
		Cases: []suite.Case{
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Closed(1)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Closed(8)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Open(4)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.Tensor, Batch: 8, Load: suite.Closed(1)},
			{Task: stack.ImageClassification, Model: resnet, Proto: stack.GRPC, Input: stack.Tensor, Batch: 1, Load: suite.Closed(8)},
			{Task: stack.ImageClassification, Model: lite, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Closed(1)},
			{Task: stack.ImageClassification, Model: lite, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Closed(8)},
			{Task: stack.ImageClassification, Model: lite, Proto: stack.GRPC, Input: stack.JPEG, Batch: 1, Load: suite.Closed(8)},
		},
	}
	for _, model := range []string{resnet, lite} {
		for _, proto := range []stack.Proto{stack.REST, stack.GRPC} {
			for _, input := range []stack.Input{stack.JPEG, stack.Tensor} {
				g.Cases = append(g.Cases, matrix(g.Cases, suite.Case{Task: stack.ImageClassification, Model: model, Proto: proto, Input: input})...)
			}
		}
	}
	return g
}

// matrix is what the larger profiles add for one model, protocol and input:
// every batch size, few and many users, and two open rates.
func matrix(have []suite.Case, base suite.Case) []suite.Case {
	var out []suite.Case
	add := func(batch int, l suite.Load, from suite.Profile) {
		c := base
		c.Batch, c.Load, c.From = batch, l, from
		if !suite.Has(have, c) && !suite.Has(out, c) {
			out = append(out, c)
		}
	}
	for _, batch := range []int{1, 8, 32} {
		add(batch, suite.Closed(1), suite.Standard)
		add(batch, suite.Closed(8), suite.Full)
	}
	add(1, suite.Closed(8), suite.Standard)
	add(1, suite.Closed(32), suite.Full)
	add(1, suite.Open(4), suite.Standard)
	add(1, suite.Open(16), suite.Full)
	return out
}
