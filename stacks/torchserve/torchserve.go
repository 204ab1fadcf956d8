// Package torchserve is TorchServe: a Java front end that queues and batches,
// and Python workers that run a handler of the user's own. Its makers have given
// it up; it is here because much that is in production still runs on it.
package torchserve

import (
	"embed"
	"io/fs"
	"strconv"
	"time"

	"stackbench/internal/stack"
)

//go:embed Dockerfile requirements/server.txt
var source embed.FS

const (
	restPort    = 8080 // the management interface's, too
	grpcPort    = 7070
	metricsPort = 8082
)

// Stack is TorchServe on an image that has torch. library holds the package
// that its handler computes with, so that it differs from the other PyTorch
// stacks in the server alone. One image serves both devices.
func Stack(base stack.Image, library fs.FS) stack.Stack {
	img := stack.Image{
		Ref:   "stackbench/torchserve:0.12.0",
		Bytes: 400_000_000,
		Build: &stack.Build{Context: source, Shared: library, Dockerfile: "Dockerfile", Base: &base},
	}
	return stack.Stack{
		Name: "torchserve",
		About: stack.About{
			Title:      "TorchServe 0.12.0 + PyTorch, its makers' package in this project's image",
			Licence:    "Apache-2.0 (PyTorch: BSD-3-Clause; OpenJDK: GPL-2.0 with the Classpath exception; CUDA libraries: NVIDIA's own terms)",
			Status:     "legacy: no longer maintained, no fixes and no security patches are planned; 0.12.0 of September 2024 is its last release",
			Complexity: "a Java server with Python workers; an archive a model with a handler of your own, three files of settings; batching is built in, batch metrics are your own code",
		},
		Container: &stack.Container{
			Images:     map[stack.Device]stack.Image{stack.CPU: img, stack.GPU: img},
			Args:       args,
			Env:        env,
			Ports:      stack.Ports{REST: restPort, GRPC: grpcPort, Metrics: metricsPort},
			ShmBytes:   1 << 30,
			Writes:     []string{"/var/torchserve"}, // its working folder: logs, though there are none
			StartLimit: 3 * time.Minute,
			Files:      files,
		},
		Serves:    serves(),
		Batcher:   stack.Patient,
		LeastWait: time.Millisecond,
		Telemetry: stack.TorchServeMetrics,
		Version:   stack.Version{Path: "/api-description", Text: "torchserve {info.version}"},
		// A request waits in the queue for a worker that may never come up; /ping
		// says Healthy before there is one.
		Ready: stack.Ready{Path: "/models/{model}", Field: "workers.status", Value: "READY", What: "its worker"},
	}
}

// serves lists the contracts. A request is what TorchServe batches, and a
// request of pictures is one file; a tensor may hold several.
func serves() []stack.Capability {
	var out []stack.Capability
	for _, proto := range []stack.Proto{stack.REST, stack.GRPC} {
		out = append(out,
			stack.Capability{Task: stack.ImageClassification, Proto: proto, Input: stack.JPEG, Contract: stack.TorchServe, MaxBatch: 1},
			stack.Capability{Task: stack.ImageClassification, Proto: proto, Input: stack.Tensor, Contract: stack.TorchServe},
		)
	}
	return out
}

func args(r stack.Run) []string {
	return []string{
		"--ts-config", r.Files + "/" + configFile,
		"--log-config", r.Files + "/" + logFile,
		"--model-store", r.Files + "/" + storeFolder,
	}
}

// env pins the thread pools that libraries size by the machine's cores before
// the handler has a word in it.
func env(r stack.Run) []string {
	return []string{
		"OMP_NUM_THREADS=" + strconv.Itoa(r.Threads),
		"OPENBLAS_NUM_THREADS=1",
	}
}
