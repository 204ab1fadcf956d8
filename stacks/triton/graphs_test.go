package triton_test

import (
	"encoding/json"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/triton"
)

// described is a model as the model store's own tests hold its description.
func described(t *testing.T, name string) stack.Model {
	data, err := os.ReadFile("../../internal/model/testdata/" + name + ".json")
	require.NoError(t, err)
	var m stack.Model
	require.NoError(t, json.Unmarshal(data, &m))
	return m
}

// TestRepositoriesOfSeveralGraphs: each part is a model of its own, and of two
// precisions the one that is asked for is there, under the model's name.
func TestRepositoriesOfSeveralGraphs(t *testing.T) {
	for name, c := range map[string]struct {
		model     string
		on        stack.Device
		precision stack.Precision
	}{
		"pair-cpu":         {"tiny-pair", stack.CPU, ""},
		"pair-gpu":         {"tiny-pair", stack.GPU, stack.FP32},
		"variant-cpu":      {"tiny-variant", stack.CPU, ""},
		"variant-cpu-int8": {"tiny-variant", stack.CPU, stack.INT8},
		"variant-gpu-int8": {"tiny-variant", stack.GPU, stack.INT8},
	} {
		t.Run(name, func(t *testing.T) {
			r := stack.Run{
				Models: "/models", Files: "/repository", Model: described(t, c.model), Device: c.on, Threads: 2,
				Batch: stack.Batching{Max: 8}, Precision: c.precision,
			}
			files, err := triton.Stack(fstest.MapFS{}).Container.Files(r)
			require.NoError(t, err)
			golden(t, name+".txt", listing(files))
		})
	}
}

func TestGraphsThatTritonDoesNotServe(t *testing.T) {
	r := stack.Run{Models: "/models", Files: "/repository", Model: described(t, "tiny-pair"), Device: stack.GPU, Precision: stack.INT8}
	_, err := triton.Stack(fstest.MapFS{}).Container.Files(r)
	require.EqualError(t, err, "tiny-pair has no graph in int8")
	r.Precision = stack.FP32
	_, err = triton.TensorRT(fstest.MapFS{}).Container.Files(r)
	require.ErrorContains(t, err, "tiny-pair has several parts")
	r.Model, r.Precision = described(t, "tiny-variant"), stack.INT8
	_, err = triton.TensorRT(fstest.MapFS{}).Container.Files(r)
	require.EqualError(t, err, "tiny-variant in int8: TensorRT is told to compute in fp32 here")
}
