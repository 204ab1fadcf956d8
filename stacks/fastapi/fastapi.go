// Package fastapi is the server that most teams write first: FastAPI on
// uvicorn around one model. One image family, three stacks: two that differ in
// the runtime only, and one with a queue of its own that batches. The server
// itself is the Python package beside this file.
package fastapi

import (
	"embed"
	"io/fs"
	"strconv"
	"time"

	"stackbench/internal/stack"
)

// source names the files one by one: an embedded folder leaves out __init__.py.
//
//go:embed *.Dockerfile requirements/*.txt stackserver/*.py stackserver/generation/*.py stackserver/torch_models/*.py
var source embed.FS

const port = 8000

// Library is the part of the server that is no server: reading a model's
// description, preprocessing, and the models in PyTorch and ONNX Runtime. The
// Python stacks whose server is somebody else's compute with it, so that they
// differ in the server alone. It is the package stackserver.
func Library() fs.FS { return library }

//go:embed stackserver/*.py stackserver/generation/*.py stackserver/torch_models/*.py
var library embed.FS

// waiting is how many requests the queue of fastapi-queue holds; one more is
// answered 429 with Retry-After. Half of what an open loop keeps open at once,
// so that an overload is refused early instead of answered late.
const waiting = 128

// generations is how many texts the stacks without a batcher generate at once,
// each alone in a thread; more wait.
const generations = 8

// ONNXRuntime is FastAPI with ONNX Runtime, each request computed as it came.
func ONNXRuntime() stack.Stack {
	return onnxruntime(stack.Stack{
		Name: "fastapi-onnxruntime",
		About: stack.About{
			Title:      "FastAPI + ONNX Runtime, this project's server",
			Licence:    "Apache-2.0 (FastAPI, ONNX Runtime: MIT; uvicorn: BSD-3-Clause)",
			Complexity: "one container or one Python process, one model each; batching and metrics are your own code",
		},
	}, func(r stack.Run) []string { return alone("onnxruntime", r) })
}

// Queue is the same server on the same image with a custom asyncio queue that
// batches: a largest batch, a longest delay, a bounded depth, 429 when full.
// Its batches of generated text are static: one is generated to its longest
// answer's end before the next begins; with batching off, request by request.
func Queue() stack.Stack {
	return onnxruntime(stack.Stack{
		Name: "fastapi-queue",
		About: stack.About{
			Title:      "FastAPI + ONNX Runtime + a custom asyncio queue, this project's server",
			Licence:    "Apache-2.0 (FastAPI, ONNX Runtime: MIT; uvicorn: BSD-3-Clause)",
			Complexity: "as fastapi-onnxruntime, with 200 lines of queue to write, test and tune yourself",
		},
		Batcher:   stack.Patient,
		Unbatched: "fastapi-onnxruntime",
	}, func(r stack.Run) []string {
		return append(args("onnxruntime", r),
			"--max-batch", strconv.Itoa(r.Batch.Max), "--max-delay", r.Batch.Delay.String(),
			"--queue", strconv.Itoa(waiting), "--generations", "1")
	})
}

// onnxruntime adds to a stack how its server starts.
func onnxruntime(s stack.Stack, args func(stack.Run) []string) stack.Stack {
	s.Container = &stack.Container{
		Images: map[stack.Device]stack.Image{
			stack.CPU: image("stackbench/fastapi-onnxruntime:cpu", "onnxruntime.Dockerfile", 240_000_000, nil),
			stack.GPU: image("stackbench/fastapi-onnxruntime:gpu", "onnxruntime-gpu.Dockerfile", 3_000_000_000, nil),
		},
		Args:       args,
		Env:        env,
		Ports:      stack.Ports{REST: port},
		StartLimit: time.Minute,
	}
	s.Process = process(args, "onnxruntime", time.Minute, "onnxruntime")
	s.Process.Python.OnGPU = `"CUDAExecutionProvider" in onnxruntime.get_available_providers()`
	s.Serves, s.Telemetry, s.Version = serves(), stack.OwnMetrics, version()
	return s
}

// PyTorch is FastAPI with PyTorch in eager mode, on an image that has torch.
// One image serves both devices.
func PyTorch(base stack.Image) stack.Stack {
	img := image("stackbench/fastapi-pytorch:latest", "pytorch.Dockerfile", 210_000_000, &base)
	start := func(r stack.Run) []string { return alone("pytorch", r) }
	return stack.Stack{
		Name: "fastapi-pytorch",
		About: stack.About{
			Title:      "FastAPI + PyTorch, this project's server",
			Licence:    "Apache-2.0 (FastAPI: MIT; uvicorn, PyTorch: BSD-3-Clause; its CUDA libraries: NVIDIA's own terms)",
			Complexity: "as fastapi-onnxruntime, with an image of 5 GB and the model's own code in the server",
		},
		Container: &stack.Container{
			Images:     map[stack.Device]stack.Image{stack.CPU: img, stack.GPU: img},
			Args:       start,
			Env:        env,
			Ports:      stack.Ports{REST: port},
			StartLimit: 3 * time.Minute,
		},
		Process:   process(start, "pytorch", 3*time.Minute, "torch", "torchvision", "transformers", "safetensors"),
		Serves:    serves(),
		Telemetry: stack.OwnMetrics,
		Version:   version(),
	}
}

func image(ref, dockerfile string, bytes int64, base *stack.Image) stack.Image {
	return stack.Image{Ref: ref, Bytes: bytes, Build: &stack.Build{Context: source, Dockerfile: dockerfile, Base: base}}
}

func process(args func(stack.Run) []string, runtime string, limit time.Duration, imports ...string) *stack.Process {
	server := []string{
		"fastapi", "httptools", "numpy", "orjson", "PIL", "prometheus_client", "tokenizers", "uvicorn", "uvloop", "websockets",
	}
	return &stack.Process{
		Python: &stack.Python{
			Source:       source,
			Module:       "stackserver",
			Requirements: []string{"requirements/server.txt", "requirements/" + runtime + ".txt"},
			Imports:      append(server, imports...),
		},
		Args:       args,
		Env:        env,
		StartLimit: limit,
	}
}

// version is where this project's servers tell their runtime.
func version() stack.Version { return stack.Version{Path: "/healthz", Text: "{runtime}"} }

// serves lists the contracts. /predict carries one picture, so larger batches
// of pictures go through the Open Inference Protocol; a completion has one prompt.
func serves() []stack.Capability {
	return []stack.Capability{
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.Predict, MaxBatch: 1},
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.OIP},
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.Tensor, Contract: stack.OIP},
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.IDs, Contract: stack.OIP},
		{Task: stack.TextGeneration, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI, MaxBatch: 1},
		{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.OpenAI, MaxBatch: 1},
		{Task: stack.TextGeneration, Proto: stack.WS, Input: stack.Text, Contract: stack.WSGen, MaxBatch: 1},
	}
}

// alone are the arguments of a stack that does not batch. Texts wait in as long
// a queue as fastapi-queue's.
func alone(runtime string, r stack.Run) []string {
	a := args(runtime, r)
	if r.Model.Decoder != nil {
		a = append(a, "--queue", strconv.Itoa(waiting), "--generations", strconv.Itoa(generations))
	}
	return a
}

func args(runtime string, r stack.Run) []string {
	list := []string{
		"--backend", runtime,
		"--models", r.Models,
		"--model", r.Model.Name,
		"--rest", r.Listen.REST,
		"--device", string(r.Device),
		"--threads", strconv.Itoa(r.Threads),
	}
	if r.Precision != "" {
		list = append(list, "--precision", string(r.Precision))
	}
	return list
}

// env pins the thread pools that libraries size by the machine's cores before
// the server has a word in it.
func env(r stack.Run) []string {
	return []string{
		"OMP_NUM_THREADS=" + strconv.Itoa(r.Threads),
		"OPENBLAS_NUM_THREADS=1",
		"TOKENIZERS_PARALLELISM=false",
	}
}
