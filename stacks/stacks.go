// Package stacks is the table of all serving stacks: one line a stack.
package stacks

import (
	"stackbench/internal/stack"
	"stackbench/stacks/embedded"
	"stackbench/stacks/fastapi"
	"stackbench/stacks/infinity"
	"stackbench/stacks/sglang"
	"stackbench/stacks/tei"
	"stackbench/stacks/tgi"
	"stackbench/stacks/torchbase"
	"stackbench/stacks/torchserve"
	"stackbench/stacks/triton"
	"stackbench/stacks/vllm"
)

// All returns every stack, in the order in which reports show them.
func All() []stack.Stack {
	return []stack.Stack{
		embedded.Stack(),
		fastapi.ONNXRuntime(),
		fastapi.PyTorch(torchbase.Image()),
		fastapi.Queue(),
		triton.Stack(fastapi.Library()),
		triton.TensorRT(fastapi.Library()),
		triton.VLLM(),
		torchserve.Stack(torchbase.Image(), fastapi.Library()),
		infinity.Stack(torchbase.Image()),
		tei.HTTP(),
		tei.GRPC(),
		vllm.Stack(torchbase.Image()),
		sglang.Stack(),
		tgi.Stack(),
	}
}

// Reference is the stack whose answers stand in where PyTorch's are not known:
// it needs nothing beyond ONNX Runtime, so it runs wherever the rest does.
func Reference() stack.Stack { return embedded.Stack() }

// Null is the server with nothing behind it, for the client's own floor. It is
// not in the table: it is no stack that anybody could choose.
func Null() stack.Stack { return embedded.Null() }
