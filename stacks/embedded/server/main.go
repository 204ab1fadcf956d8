// Command server is the embedded stack: a model served over HTTP and gRPC from
// one Go process that computes with ONNX Runtime.
package main

import (
	"os"

	"stackbench/stacks/embedded/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
