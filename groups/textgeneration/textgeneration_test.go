package textgeneration

import (
	"testing"
	"time"

	"stackbench/internal/bench"
	"stackbench/internal/stack"
	"stackbench/stacks"
)

func TestMain(m *testing.M) { bench.Main(m, group(), stacks.All()) }

func BenchmarkTextGeneration(b *testing.B) { bench.Run(b, group(), stacks.All()) }

func group() bench.Group {
	const gpt2, smollm2, opt = "gpt2", "smollm2-135m-q4_1-dequant", "opt-125m"
	g := bench.Group{
		Name: "text_generation", Title: "TextGeneration",
		Limits:    bench.Limits{TTFT: time.Second, ITL: 100 * time.Millisecond},
		Reference: stacks.Reference(), Null: stacks.Null(),
	}
	add := func(from bench.Profile, model string, proto stack.Proto, lengths bench.Lengths, loads ...bench.Load) {
		for _, l := range loads {
			c := bench.Case{Task: stack.TextGeneration, Model: model, Proto: proto, Input: stack.Text, Lengths: lengths, Batch: 1, Load: l, From: from}
			if !bench.Has(g.Cases, c) {
				g.Cases = append(g.Cases, c)
			}
		}
	}
	short, long := bench.Even(128, 128), bench.Even(512, 128)
	add(bench.Quick, gpt2, stack.SSE, short, bench.Closed(1), bench.Closed(4), bench.Closed(16))
	for _, proto := range []stack.Proto{stack.REST, stack.WS, stack.GRPC} {
		add(bench.Quick, gpt2, proto, short, bench.Closed(4))
	}
	add(bench.Quick, gpt2, stack.SSE, long, bench.Closed(4))
	add(bench.Quick, gpt2, stack.SSE, bench.Chat, bench.Open(1), bench.Users())
	add(bench.Quick, smollm2, stack.SSE, short, bench.Closed(1), bench.Closed(4))
	for _, model := range []string{gpt2, smollm2, opt} {
		for _, lengths := range []bench.Lengths{short, long, bench.Chat} {
			add(bench.Standard, model, stack.SSE, lengths, bench.Closed(1), bench.Closed(4), bench.Closed(16), bench.Open(1), bench.Users())
			add(bench.Full, model, stack.SSE, lengths, bench.Closed(64), bench.Open(8))
		}
		for _, proto := range []stack.Proto{stack.REST, stack.WS, stack.GRPC} {
			add(bench.Standard, model, proto, short, bench.Closed(1), bench.Closed(16))
		}
	}
	shared := bench.Case{Task: stack.TextGeneration, Model: gpt2, Proto: stack.SSE, Input: stack.Text, Lengths: long, Share: true, Batch: 1, Load: bench.Closed(4), From: bench.Standard}
	g.Cases = append(g.Cases, shared)
	return g
}
