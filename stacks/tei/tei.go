// Package tei is Hugging Face's text-embeddings-inference, in its makers' own
// images: one speaks HTTP, the other gRPC, none both.
package tei

import (
	"strconv"
	"time"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

const (
	images      = "ghcr.io/huggingface/text-embeddings-inference:"
	port        = 80
	metricsPort = 9000 // of the gRPC image; over HTTP it is the server's own
	largest     = 32   // texts a request may carry
)

// HTTP is the image that speaks HTTP.
func HTTP() stack.Stack {
	s := of("tei", map[stack.Device]stack.Image{
		stack.CPU: {Ref: images + "cpu-1.9", Bytes: 700_000_000},
		stack.GPU: {Ref: images + "cuda-1.9", Bytes: 5_000_000_000},
	}, stack.Ports{REST: port})
	s.Serves = []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.TEI, MaxBatch: largest}}
	s.Version = stack.Version{Path: "/info", Text: "text-embeddings-inference {version}, at most {max_batch_requests} texts an execution"}
	return s
}

// GRPC is the image that speaks gRPC, where a request is one text. Its makers
// publish it for CPUs, and for GPUs by their generation only.
func GRPC() stack.Stack {
	s := of("tei-grpc", map[stack.Device]stack.Image{
		stack.CPU: {Ref: images + "cpu-1.9-grpc", Bytes: 700_000_000},
	}, stack.Ports{GRPC: port, Metrics: metricsPort})
	s.Serves = []stack.Capability{{Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text, Contract: stack.TEI, MaxBatch: 1}}
	return s
}

// of is what both have in common. The folder has no ONNX graph, so that the
// server computes with candle, on every device. candle takes at most 4 texts an
// execution on a CPU, whatever it is told.
func of(name string, img map[stack.Device]stack.Image, ports stack.Ports) stack.Stack {
	return stack.Stack{
		Name: name,
		About: stack.About{
			Title:      "Text Embeddings Inference 1.9, official image, candle; on a CPU it joins at most 4 texts, by its own limit",
			Licence:    "Apache-2.0",
			Complexity: "one container and a few flags; HTTP and gRPC are two images; batching comes with it, by a budget of tokens, and cannot be switched off",
		},
		Container: &stack.Container{
			Images: img,
			Args:   args,
			Env: func(r stack.Run) []string {
				return []string{"HF_HUB_OFFLINE=1", "RAYON_NUM_THREADS=" + strconv.Itoa(r.Threads), "OMP_NUM_THREADS=" + strconv.Itoa(r.Threads)}
			},
			Ports:      ports,
			StartLimit: 3 * time.Minute,
			Files:      func(r stack.Run) (stack.Files, error) { return hub.Sentences(r.Model) },
		},
		Batcher:   stack.Greedy,
		Telemetry: stack.TEIMetrics,
	}
}

// args allow every user of a load to have a full request open: a text takes a
// permit, and one too many is answered 429.
func args(r stack.Run) []string {
	most := largest
	if r.Batch.Max > 0 {
		most = r.Batch.Max
	}
	return []string{
		"--model-id", r.Files, "--served-model-name", r.Model.Name, "--dtype", "float32", "--pooling", "mean",
		"--port", strconv.Itoa(port), "--prometheus-port", strconv.Itoa(metricsPort), "--tokenization-workers", strconv.Itoa(r.Threads),
		"--max-client-batch-size", strconv.Itoa(largest), "--max-batch-requests", strconv.Itoa(most), "--max-concurrent-requests", "8192",
		"--json-output",
	}
}
