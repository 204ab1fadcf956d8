package app

import (
	"cmp"
	"fmt"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/onnx"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
)

const (
	prepareCure = "prepare the model again: go tool stackbench setup"
	libraryCure = "give --ort-lib the shared library of ONNX Runtime 1.24 or newer; go tool stackbench setup fetches one"
	gpuCure     = "give --ort-lib a GPU build of ONNX Runtime on a machine with an NVIDIA driver, or take --device cpu"
)

// model is a loaded model behind its service.
type model struct {
	service service.Served
	close   func()
}

func load(c config, m *metrics.Metrics) (model, error) {
	info := service.Info{
		Model: c.store.model, Runtime: "null", Device: c.compute.device,
		Threads: c.compute.threads, MaxBatch: c.queue.maxBatch,
	}
	if c.null {
		described, err := describe(c, store.Describe)
		if err != nil {
			return model{}, err
		}
		info.WeightsSHA256 = described.Weights.SHA256
		served, err := service.NewNull(described, info)
		if err != nil {
			return model{}, &problem{err, prepareCure, exitFailed}
		}
		return model{service: served, close: func() {}}, nil
	}
	described, err := describe(c, store.Open)
	if err != nil {
		return model{}, err
	}
	version, err := onnx.Load(c.compute.library)
	if err != nil {
		return model{}, &problem{err, libraryCure, exitFailed}
	}
	info.Runtime, info.WeightsSHA256 = "onnxruntime "+version, described.Weights.SHA256
	if described.Decoder != nil {
		return startWriter(c, described, info, m)
	}
	return start(c, described, info, m)
}

// describe reads the model in the precision asked for. What is served is one
// graph: a model of several parts has nobody here to run them in turn.
func describe(c config, read func(models, name string) (*store.Model, error)) (*store.Model, error) {
	m, err := read(c.store.models, c.store.model)
	if err != nil {
		return nil, &problem{err, prepareCure, exitFailed}
	}
	if m, err = m.In(stack.Precision(c.compute.precision)); err == nil {
		_, err = m.Part(stack.Whole)
	}
	if err != nil {
		return nil, &problem{err, "serve a model of one graph, in a precision that its model.json lists", exitFailed}
	}
	return m, nil
}

// startWriter is start for a model that generates text.
func startWriter(c config, described *store.Model, info service.Info, m *metrics.Metrics) (model, error) {
	device := stack.Device(c.compute.device)
	decoder, err := onnx.OpenDecoder(described, device, c.compute.threads)
	if err != nil {
		return model{}, &problem{err, cureOf(device), exitFailed}
	}
	begin := func(room int) (generation.Sequence, error) { return decoder.Begin(room) }
	if err := generation.Warm(begin, *described.Decoder); err != nil {
		return model{}, &problem{fmt.Errorf("warm up %s: %w", described.Name, err), prepareCure, exitFailed}
	}
	writer, err := service.NewWriter(described, info, begin, m, generation.Options{
		AtOnce: c.queue.generations, Steps: inFlight(device), Waiting: cmp.Or(c.queue.waiting, waitingForText),
	})
	if err != nil {
		return model{}, &problem{err, prepareCure, exitFailed}
	}
	closing := func() {
		writer.Close()
		_ = decoder.Close() // the process ends next
	}
	return model{service: writer, close: closing}, nil
}

// cureOf is what to do when a graph cannot be opened.
func cureOf(device stack.Device) string {
	if device == stack.GPU {
		return gpuCure
	}
	return prepareCure
}

// start opens the graph, runs it once and puts the queue in front of it.
func start(c config, described *store.Model, info service.Info, m *metrics.Metrics) (model, error) {
	device := stack.Device(c.compute.device)
	session, err := onnx.Open(described, device, c.compute.threads)
	if err != nil {
		return model{}, &problem{err, cureOf(device), exitFailed}
	}
	if _, err := session.Run(service.WarmUp(described)); err != nil {
		return model{}, &problem{fmt.Errorf("warm up %s: %w", described.Name, err), prepareCure, exitFailed}
	}
	live, err := service.NewLive(described, info, session, m, batch.Options{
		MaxItems: c.queue.maxBatch, MaxDelay: c.queue.maxDelay, Waiting: cmp.Or(c.queue.waiting, waiting), InFlight: inFlight(device),
	})
	if err != nil {
		return model{}, &problem{err, prepareCure, exitFailed}
	}
	closing := func() {
		live.Close()
		_ = session.Close() // the process ends next
	}
	return model{service: live, close: closing}, nil
}

// inFlight is the number of executions at a time, of a decoder too: texts that
// are generated together take turns by the token. On a CPU one execution has
// all the computing threads that were asked for: a second would add threads
// that nobody asked for, slow the first down and hold a second set of
// activations, without more work done. On a GPU the second copies its inputs
// while the first computes.
func inFlight(d stack.Device) int {
	if d == stack.GPU {
		return 2
	}
	return 1
}
