// Package torchserve is TorchServe, PyTorch's own server, which its makers no
// longer maintain: the baseline that many still run.
package torchserve

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"text/template"
	"time"

	"stackbench/internal/stack"
)

//go:embed Dockerfile requirements/*.txt handler.py metrics.yaml config.properties.tmpl
var source embed.FS

const (
	restPort    = 8080 // inference and management
	grpcPort    = 7070
	metricsPort = 8082

	// queue is how many requests wait for the model; one more is answered 503.
	// As many as fastapi-queue holds.
	queue = 128
)

// Stack is TorchServe on an image that has torch. library is the package that
// reads models and prepares inputs, the same for all Python stacks.
func Stack(base stack.Image, library fs.FS) stack.Stack {
	img := stack.Image{
		Ref: "stackbench/torchserve:latest", Bytes: 320_000_000,
		Build: &stack.Build{Context: source, Shared: library, Dockerfile: "Dockerfile", Base: &base},
	}
	return stack.Stack{
		Name: "torchserve",
		About: stack.About{
			Title:      "TorchServe 0.12.0 on PyTorch, built from its package",
			Licence:    "Apache-2.0 (PyTorch: BSD-3-Clause; OpenJDK: GPL-2.0 with Classpath exception)",
			Status:     "not maintained: its makers plan no updates, fixes or security patches; last release September 2024",
			Complexity: "a Java front end and Python workers, a model archive a model, a handler of your own, three configuration files; batching comes with it, batch metrics do not",
		},
		Container: &stack.Container{
			Images: map[stack.Device]stack.Image{stack.CPU: img, stack.GPU: img},
			Args: func(r stack.Run) []string {
				return []string{"--ts-config", r.Files + "/config.properties", "--model-store", r.Files + "/store"}
			},
			Env: func(r stack.Run) []string {
				return []string{"OMP_NUM_THREADS=" + strconv.Itoa(r.Threads), "OPENBLAS_NUM_THREADS=1", "LOG_LOCATION=/tmp", "METRICS_LOCATION=/tmp"}
			},
			Ports:      stack.Ports{REST: restPort, GRPC: grpcPort, Metrics: metricsPort},
			ShmBytes:   512 << 20,
			StartLimit: 3 * time.Minute,
			Files:      files,
			Telling:    `Backend worker process died|ModuleNotFoundError|Error:|Failed to load|InvalidModelException|java\..*Exception`,
		},
		Serves: []stack.Capability{
			{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.TorchServe, MaxBatch: 1},
			{Task: stack.ImageClassification, Proto: stack.GRPC, Input: stack.JPEG, Contract: stack.TorchServe, MaxBatch: 1},
		},
		Batcher: stack.Patient,
		Tells:   stack.TorchServeMetrics,
	}
}

// files writes the server's configuration and the model store of a start.
func files(r stack.Run) (stack.Files, error) {
	config, err := properties(r)
	if err != nil {
		return stack.Files{}, err
	}
	mar, err := archive(r)
	if err != nil {
		return stack.Files{}, fmt.Errorf("write the archive of %s: %w", r.Model.Name, err)
	}
	metrics, err := source.ReadFile("metrics.yaml")
	if err != nil {
		return stack.Files{}, err
	}
	return stack.Files{Content: map[string][]byte{
		"config.properties":              config,
		"metrics.yaml":                   metrics,
		"store/" + r.Model.Name + ".mar": mar,
	}}, nil
}

// properties renders config.properties.
func properties(r stack.Run) ([]byte, error) {
	text, err := source.ReadFile("config.properties.tmpl")
	if err != nil {
		return nil, err
	}
	t, err := template.New("config.properties").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(r.Listen.GRPC)
	if err != nil {
		return nil, fmt.Errorf("write config.properties: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Rest, Metrics, GRPCHost, GRPCPort, Store, MetricsConfig string
		Queue                                                   int
	}{r.Listen.REST, r.Listen.Metrics, host, port, r.Files + "/store", r.Files + "/metrics.yaml", queue})
	return b.Bytes(), err
}
