// Package torchbase is the image that the stacks with PyTorch build on, so that
// all of them run the same torch and its 5 GB are built and kept once.
package torchbase

import (
	"embed"

	"stackbench/internal/stack"
)

//go:embed Dockerfile requirements.txt
var source embed.FS

// Requirements is the lock that the image installs.
//
//go:embed requirements.txt
var Requirements string

// Image is torch and torchvision in the virtual environment /opt/venv. It
// computes on a CPU and on a GPU.
func Image() stack.Image {
	return stack.Image{
		Ref:   "stackbench/torchbase:latest",
		Bytes: 5_010_000_000,
		Build: &stack.Build{Context: source, Dockerfile: "Dockerfile"},
	}
}
