// Package stacks is the table of all serving stacks: one line a stack.
package stacks

import (
	"stackbench/internal/stack"
	"stackbench/stacks/embedded"
	"stackbench/stacks/fastapi"
	"stackbench/stacks/torchbase"
)

// All returns every stack, in the order in which reports show them.
func All() []stack.Stack {
	return []stack.Stack{
		embedded.Stack(),
		fastapi.ONNXRuntime(),
		fastapi.PyTorch(torchbase.Image()),
	}
}
