package stacks_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/stack"
	"stackbench/stacks/fastapi"
	"stackbench/stacks/torchbase"
	"stackbench/stacks/torchserve"
)

// store is a folder of models with one that is named m, and holds nothing that
// a server could load.
func store(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "m"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m", "model.json"), []byte("{}"), 0o644))
	return dir
}

// start starts a stack, in a container, with a model that it must refuse, and
// returns its error. The test is skipped where there is no Docker.
func start(t *testing.T, s stack.Stack, m stack.Model) error {
	t.Helper()
	m.Name = "m"
	up, err := boot.Start(t.Context(), boot.Spec{
		Stack: s, Launcher: boot.Container, Cache: t.TempDir(),
		Run:   stack.Run{Models: store(t), Model: m, Device: stack.CPU, Threads: 1},
		Ready: func(context.Context, stack.Endpoint) error { return errors.New("not yet") },
	})
	if up != nil {
		require.NoError(t, up.Stop(context.Background()))
	}
	var not *boot.Unavailable
	if errors.As(err, &not) {
		t.Skip(not.Reason)
	}
	return err
}

func imageModel() stack.Model {
	return stack.Model{
		Task: stack.ImageClassification, Image: &stack.ImageSpec{Size: 224},
		Graphs: []stack.Graph{{
			Name: stack.Whole, File: "model.onnx", Precision: stack.FP32,
			Inputs:  []stack.TensorSpec{{Name: "pixel_values", Datatype: "FP32", Shape: []int64{-1, 3, 224, 224}}},
			Outputs: []stack.TensorSpec{{Name: "logits", Datatype: "FP32", Shape: []int64{-1, 1000}}},
		}},
	}
}

func TestTorchServeSaysWhyItsWorkerDies(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds an image")
	}
	s := torchserve.Stack(torchbase.Image(), fastapi.Library())
	s.Container.StartLimit = 30e9 // TorchServe starts a dead worker again, and again
	err := start(t, s, imageModel())
	require.ErrorContains(t, err, "start torchserve: no correct reply within 30s")
	require.ErrorContains(t, err, "is not a model description")
}
