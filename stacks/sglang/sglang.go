// Package sglang is SGLang, to which TGI's makers send its users beside vLLM, in
// its makers' own image. On a CPU it wants matrix extensions that few have, so
// it is here for GPUs.
package sglang

import (
	"strconv"
	"time"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

const port = 30000

// Stack is SGLang on a GPU. How much disk its image takes is not published: the
// number is an estimate.
func Stack() stack.Stack {
	return stack.Stack{
		Name: "sglang",
		About: stack.About{
			Title:      "SGLang 0.5.16, official image",
			Licence:    "Apache-2.0 (CUDA libraries: NVIDIA's own terms)",
			Complexity: "one container and a dozen flags; the model as the hub lays it out; batching, streams and metrics come with it",
		},
		Container: &stack.Container{
			Images:     map[stack.Device]stack.Image{stack.GPU: {Ref: "lmsysorg/sglang:v0.5.16-cu130", Bytes: 30_000_000_000}},
			Args:       args,
			Env:        env,
			Ports:      stack.Ports{REST: port},
			ShmBytes:   8 << 30,
			StartLimit: 10 * time.Minute, // it captures CUDA's graphs for all sizes of batches
			Files:      func(r stack.Run) (stack.Files, error) { return hub.Causal(r.Model) },
		},
		Serves: []stack.Capability{
			{Task: stack.TextGeneration, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
			{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.OpenAI},
		},
		Batcher:   stack.Continuous,
		Prefixes:  true,
		Telemetry: stack.SGLangMetrics,
		Version:   stack.Version{Path: "/server_info", Text: "sglang {version}"},
	}
}

func env(r stack.Run) []string {
	return []string{"HF_HUB_OFFLINE=1", "NVIDIA_TF32_OVERRIDE=0", "OMP_NUM_THREADS=" + strconv.Itoa(r.Threads)}
}

// args begin with the command, since its image has none. Attention is Triton's:
// the kernels that it takes by default have no float32. What prompts share is
// kept by default, which would answer a repeated prompt without computing it.
func args(r stack.Run) []string {
	all := []string{
		"python3", "-m", "sglang.launch_server",
		"--model-path", r.Files, "--served-model-name", r.Model.Name, "--host", "0.0.0.0", "--port", strconv.Itoa(port),
		"--dtype", "float32", "--attention-backend", "triton", "--random-seed", "0", "--sampling-defaults", "openai",
		"--context-length", strconv.Itoa(hub.Context(r.Model)), "--max-running-requests", strconv.Itoa(hub.Sequences(r)),
		"--mem-fraction-static", "0.85", "--enable-metrics",
	}
	if !r.Prefix {
		all = append(all, "--disable-radix-cache")
	}
	return all
}
