// Package fastapi is the server that most teams write first: FastAPI on
// uvicorn around one model. One image family, two stacks, which differ in the
// runtime only. The server itself is the Python package beside this file.
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
//go:embed *.Dockerfile requirements/*.txt stackserver/*.py stackserver/torch_models/*.py
var source embed.FS

const port = 8000

// Library is the part of the server that is no server: reading a model's
// description, preprocessing, and the models in PyTorch and ONNX Runtime. The
// Python stacks whose server is somebody else's compute with it, so that they
// differ in the server alone. It is the package stackserver.
func Library() fs.FS { return library }

//go:embed stackserver/*.py stackserver/torch_models/*.py
var library embed.FS

// ONNXRuntime is FastAPI with ONNX Runtime.
func ONNXRuntime() stack.Stack {
	return stack.Stack{
		Name: "fastapi-onnxruntime",
		About: stack.About{
			Title:      "FastAPI + ONNX Runtime, this project's server",
			Licence:    "Apache-2.0 (FastAPI, ONNX Runtime: MIT; uvicorn: BSD-3-Clause)",
			Complexity: "one container or one Python process, one model each; batching and metrics are your own code",
		},
		Container: &stack.Container{
			Images: map[stack.Device]stack.Image{
				stack.CPU: image("stackbench/fastapi-onnxruntime:cpu", "onnxruntime.Dockerfile", nil),
				stack.GPU: image("stackbench/fastapi-onnxruntime:gpu", "onnxruntime-gpu.Dockerfile", nil),
			},
			Args:       func(r stack.Run) []string { return args("onnxruntime", r) },
			Env:        env,
			Ports:      stack.Ports{REST: port},
			StartLimit: time.Minute,
		},
		Process: process("onnxruntime", time.Minute, "onnxruntime"),
		Serves:  serves(),
		Batcher: stack.Patient,
		Tells:   stack.OwnMetrics,
	}
}

// PyTorch is FastAPI with PyTorch in eager mode, on an image that has torch.
// One image serves both devices.
func PyTorch(base stack.Image) stack.Stack {
	img := image("stackbench/fastapi-pytorch:latest", "pytorch.Dockerfile", &base)
	return stack.Stack{
		Name: "fastapi-pytorch",
		About: stack.About{
			Title:      "FastAPI + PyTorch, this project's server",
			Licence:    "Apache-2.0 (FastAPI: MIT; uvicorn, PyTorch: BSD-3-Clause; its CUDA libraries: NVIDIA's own terms)",
			Complexity: "as fastapi-onnxruntime, with an image of 5 GB and the model's own code in the server",
		},
		Container: &stack.Container{
			Images:     map[stack.Device]stack.Image{stack.CPU: img, stack.GPU: img},
			Args:       func(r stack.Run) []string { return args("pytorch", r) },
			Env:        env,
			Ports:      stack.Ports{REST: port},
			StartLimit: 3 * time.Minute,
		},
		Process: process("pytorch", 3*time.Minute, "torch", "torchvision", "transformers", "safetensors"),
		Serves:  serves(),
		Batcher: stack.Patient,
		Tells:   stack.OwnMetrics,
	}
}

func image(ref, dockerfile string, base *stack.Image) stack.Image {
	return stack.Image{Ref: ref, Build: &stack.Build{Context: source, Dockerfile: dockerfile, Base: base}}
}

func process(runtime string, limit time.Duration, imports ...string) *stack.Process {
	server := []string{
		"fastapi", "httptools", "numpy", "orjson", "PIL", "prometheus_client", "tokenizers", "uvicorn", "uvloop",
	}
	return &stack.Process{
		Python: &stack.Python{
			Source:       source,
			Module:       "stackserver",
			Requirements: []string{"requirements/server.txt", "requirements/" + runtime + ".txt"},
			Imports:      append(server, imports...),
		},
		Args:       func(r stack.Run) []string { return args(runtime, r) },
		Env:        env,
		StartLimit: limit,
	}
}

// serves lists the contracts. /predict carries one picture, so larger batches
// of pictures go through the Open Inference Protocol.
func serves() []stack.Capability {
	return []stack.Capability{
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.Predict, MaxBatch: 1},
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.OIP},
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.Tensor, Contract: stack.OIP},
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
	}
}

func args(runtime string, r stack.Run) []string {
	return []string{
		"--backend", runtime,
		"--models", r.Models,
		"--model", r.Model.Name,
		"--rest", r.Listen.REST,
		"--device", string(r.Device),
		"--threads", strconv.Itoa(r.Threads),
		"--max-batch", strconv.Itoa(r.Batch.Max),
		"--max-delay", r.Batch.Delay.String(),
	}
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
