// Package infinity is Infinity, an embeddings server from PyPI: the same job as
// TEI, in Python on PyTorch.
package infinity

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
	port    = 7997
	largest = 32 // texts of an execution, its own default
)

// Stack is Infinity with its torch engine, on an image that has torch.
func Stack(base stack.Image) stack.Stack {
	img := stack.Image{
		Ref: "stackbench/infinity:latest", Bytes: 600_000_000,
		Build: &stack.Build{Context: source, Dockerfile: "Dockerfile", Base: &base},
	}
	return stack.Stack{
		Name: "infinity",
		About: stack.About{
			Title:      "Infinity 0.0.78, torch engine, built from its package",
			Licence:    "MIT (PyTorch: BSD-3-Clause)",
			Complexity: "one container and a few flags; batching comes with it and cannot be switched off, its counters tell little",
		},
		Container: &stack.Container{
			Images:     map[stack.Device]stack.Image{stack.CPU: img, stack.GPU: img},
			Args:       args,
			Env:        env,
			Ports:      stack.Ports{REST: port},
			StartLimit: 3 * time.Minute,
			Files:      func(r stack.Run) (stack.Files, error) { return hub.Sentences(r.Model) },
		},
		Serves: []stack.Capability{
			{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
		},
		Batcher:   stack.Greedy,
		Telemetry: stack.InfinityState,
		Version:   stack.Version{Path: "/v1/openapi.json", Text: "infinity {info.version}"},
	}
}

// env pins the thread pools. Infinity lets a GPU round float32 products to
// TF32, which the stacks beside it do not.
func env(r stack.Run) []string {
	return []string{"OMP_NUM_THREADS=" + strconv.Itoa(r.Threads), "OPENBLAS_NUM_THREADS=1", "NVIDIA_TF32_OVERRIDE=0"}
}

// args ask for float32, eagerly. Its own warm-up is off: it embeds 64 texts of
// the greatest length, minutes of CPU time for MPNet, while every stack is
// warmed by the load itself.
func args(r stack.Run) []string {
	device, most := "cpu", largest
	if r.Device == stack.GPU {
		device = "cuda"
	}
	if r.Batch.Max > 0 {
		most = r.Batch.Max
	}
	return []string{
		"--model-id", r.Files, "--served-model-name", r.Model.Name, "--engine", "torch", "--device", device, "--dtype", "float32",
		"--batch-size", strconv.Itoa(most), "--no-bettertransformer", "--no-model-warmup", "--no-trust-remote-code", "--url-prefix", "/v1", "--host", "0.0.0.0", "--port", strconv.Itoa(port),
	}
}
