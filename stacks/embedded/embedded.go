// Package embedded is the stack that serves a model from one Go process, with
// ONNX Runtime loaded as a shared library: no Python, no second process. The
// process is never the client's own.
package embedded

import (
	"strconv"
	"time"

	"stackbench/internal/stack"
)

// Stack returns the stack's description.
func Stack() stack.Stack {
	return stack.Stack{
		Name: "embedded",
		About: stack.About{
			Title:      "ONNX Runtime inside a Go server (built here)",
			Licence:    "Apache-2.0; ONNX Runtime is MIT",
			Complexity: "one binary and one shared library; no Python, no container",
		},
		Batcher:   stack.Patient,
		Telemetry: stack.OwnMetrics,
		Version:   stack.Version{Path: "/healthz", Text: "{runtime}"},
		Process: &stack.Process{
			Go:         "stackbench/stacks/embedded/server",
			Args:       args,
			StartLimit: time.Minute,
			Needs:      stack.ONNXRuntime,
		},
		Serves: []stack.Capability{
			{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.Predict, MaxBatch: 1},
			{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.OIP},
			{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.Tensor, Contract: stack.OIP},
			{Task: stack.ImageClassification, Proto: stack.GRPC, Input: stack.JPEG, Contract: stack.OIP},
			{Task: stack.ImageClassification, Proto: stack.GRPC, Input: stack.Tensor, Contract: stack.OIP},
			{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
			{Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text, Contract: stack.OIP},
			{Task: stack.Embeddings, Proto: stack.REST, Input: stack.IDs, Contract: stack.OIP},
			{Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.IDs, Contract: stack.OIP},
			{Task: stack.ImageClassification, Proto: stack.Stream, Input: stack.JPEG, Contract: stack.OIP},
			{Task: stack.ImageClassification, Proto: stack.Stream, Input: stack.Tensor, Contract: stack.OIP},
			{Task: stack.Embeddings, Proto: stack.Stream, Input: stack.Text, Contract: stack.OIP},
			{Task: stack.Embeddings, Proto: stack.Stream, Input: stack.IDs, Contract: stack.OIP},
			{Task: stack.TextGeneration, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI, MaxBatch: 1, Alone: true},
			{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.OpenAI, MaxBatch: 1, Alone: true},
			{Task: stack.TextGeneration, Proto: stack.WS, Input: stack.Text, Contract: stack.WSGen, MaxBatch: 1, Alone: true},
			{Task: stack.TextGeneration, Proto: stack.GRPC, Input: stack.Text, Contract: stack.OIP, MaxBatch: 1, Alone: true},
		},
	}
}

// Null returns the same server with nothing behind it: it answers every
// request at once, in the right shape. A client measured against it shows its
// own floor, with the launcher and the protocols of a real stack.
func Null() stack.Stack {
	s := Stack()
	s.Name = "null"
	s.Title = "the embedded server without a model: the client's own floor"
	s.Process.Args = func(r stack.Run) []string { return append(args(r), "--null") }
	return s
}

func args(r stack.Run) []string {
	list := []string{
		"--models", r.Models, "--model", r.Model.Name, "--rest", r.Listen.REST,
		"--device", string(r.Device), "--threads", strconv.Itoa(r.Threads),
		"--max-batch", strconv.Itoa(r.Batch.Max), "--max-delay", r.Batch.Delay.String(),
	}
	if r.Listen.GRPC != "" {
		list = append(list, "--grpc", r.Listen.GRPC)
	}
	if r.Library != "" {
		list = append(list, "--ort-lib", r.Library)
	}
	if r.Precision != "" {
		list = append(list, "--precision", string(r.Precision))
	}
	return list
}
