package textgeneration

import (
	"testing"
	"time"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkTextGeneration(b *testing.B) { bench.Run(b, group(), stacks.All()) }

func group() suite.Group {
	const gpt2, smollm2, opt = "gpt2", "smollm2-135m-q4_1-dequant", "opt-125m"
	g := suite.Group{
		Name: "text_generation", Title: "TextGeneration",
		Limits:    suite.Limits{TTFT: time.Second, ITL: 100 * time.Millisecond},
		Reference: stacks.Reference(), Null: stacks.Null(),
	}
	add := func(from suite.Profile, model string, proto stack.Proto, lengths suite.Lengths, loads ...suite.Load) {
		for _, l := range loads {
			c := suite.Case{Task: stack.TextGeneration, Model: model, Proto: proto, Input: stack.Text, Lengths: lengths, Batch: 1, Load: l, From: from}
			if !suite.Has(g.Cases, c) {
				g.Cases = append(g.Cases, c)
			}
		}
	}
	short, long := suite.Even(128, 128), suite.Even(512, 128)
	add(suite.Quick, gpt2, stack.SSE, short, suite.Closed(1), suite.Closed(4), suite.Closed(16))
	for _, proto := range []stack.Proto{stack.REST, stack.WS, stack.GRPC} {
		add(suite.Quick, gpt2, proto, short, suite.Closed(4))
	}
	add(suite.Quick, gpt2, stack.SSE, long, suite.Closed(4))
	add(suite.Quick, gpt2, stack.SSE, suite.Chat, suite.Open(1), suite.Users())
	add(suite.Quick, smollm2, stack.SSE, short, suite.Closed(1), suite.Closed(4))
	for _, model := range []string{gpt2, smollm2, opt} {
		for _, lengths := range []suite.Lengths{short, long, suite.Chat} {
			add(suite.Standard, model, stack.SSE, lengths, suite.Closed(1), suite.Closed(4), suite.Closed(16), suite.Open(1), suite.Users())
			add(suite.Full, model, stack.SSE, lengths, suite.Closed(64), suite.Open(8))
		}
		for _, proto := range []stack.Proto{stack.REST, stack.WS, stack.GRPC} {
			add(suite.Standard, model, proto, short, suite.Closed(1), suite.Closed(16))
		}
	}
	shared := suite.Case{Task: stack.TextGeneration, Model: gpt2, Proto: stack.SSE, Input: stack.Text, Lengths: long, Share: true, Batch: 1, Load: suite.Closed(4), From: suite.Standard}
	g.Cases = append(g.Cases, shared)
	return g
}
