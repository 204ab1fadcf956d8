// Package tgi is Hugging Face's text-generation-inference, in its makers' own
// images. They maintain it and develop it no further; it is here because much
// that is in production still runs on it.
package tgi

import (
	"strconv"
	"time"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

const (
	images      = "ghcr.io/huggingface/text-generation-inference:"
	port        = 80
	metricsPort = 9000 // asked for; the page is the server's own, too
)

// Stack is TGI: the image for GPUs, and on a CPU its Intel flavour. How much
// disk they take is not published: the numbers are estimates.
func Stack() stack.Stack {
	return stack.Stack{
		Name: "tgi",
		About: stack.About{
			Title:      "Text Generation Inference 3.3, official image; 16-bit floats, since it has no float32: float16 on a GPU, bfloat16 on a CPU",
			Licence:    "Apache-2.0",
			Status:     "legacy: in maintenance mode since December 2025; its makers recommend vLLM and SGLang. It cannot be told how long an answer is to be: one ends where the model ends it",
			Complexity: "one container and a dozen flags; the model as the hub lays it out; batching by a budget of tokens, streams and metrics come with it",
		},
		Container: &stack.Container{
			Images: map[stack.Device]stack.Image{
				stack.CPU: {Ref: images + "3.3.5-intel-cpu", Bytes: 12_000_000_000},
				stack.GPU: {Ref: images + "3.3.4", Bytes: 15_000_000_000},
			},
			Args:       args,
			Env:        env,
			Ports:      stack.Ports{REST: port},
			ShmBytes:   1 << 30,
			StartLimit: 5 * time.Minute,
			Files:      func(r stack.Run) (stack.Files, error) { return hub.Causal(r.Model) },
		},
		Serves: []stack.Capability{
			{Task: stack.TextGeneration, Proto: stack.REST, Input: stack.Text, Contract: stack.TGI},
			{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.TGI},
		},
		Batcher:   stack.Continuous,
		Floats:    map[stack.Device]string{stack.GPU: "fp16", stack.CPU: "bf16"},
		Prefixes:  true,
		Telemetry: stack.TGIMetrics,
		Version:   stack.Version{Path: "/info", Text: "text-generation-inference {version}"},
	}
}

// env pins the threads. What prompts share is kept by default, which would
// answer a repeated prompt without computing it.
func env(r stack.Run) []string {
	prefixes := "0"
	if r.Prefix {
		prefixes = "1"
	}
	return []string{"HF_HUB_OFFLINE=1", "PREFIX_CACHING=" + prefixes, "OMP_NUM_THREADS=" + strconv.Itoa(r.Threads)}
}

// args allow every user of a load to have a request open: one too many is
// answered 429.
func args(r stack.Run) []string {
	dtype, context := "bfloat16", hub.Context(r.Model)
	if r.Device == stack.GPU {
		dtype = "float16"
	}
	all := []string{
		"--model-id", r.Files, "--dtype", dtype, "--hostname", "0.0.0.0", "--port", strconv.Itoa(port), "--prometheus-port", strconv.Itoa(metricsPort),
		"--max-input-tokens", strconv.Itoa(context - 1), "--max-total-tokens", strconv.Itoa(context),
		"--max-batch-size", strconv.Itoa(hub.Sequences(r)), "--max-concurrent-requests", "8192", "--usage-stats", "off", "--json-output",
	}
	if r.Device == stack.CPU {
		all = append(all, "--cuda-graphs", "0")
	}
	return all
}
