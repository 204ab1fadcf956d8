package triton_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/triton"
)

var update = flag.Bool("update", false, "write the golden files")

func image() stack.Model {
	return stack.Model{
		Name: "resnet50", Task: stack.ImageClassification, Image: &stack.ImageSpec{Size: 224},
		Graphs: []stack.Graph{{
			Name: stack.Whole, File: "model.onnx", Precision: stack.FP32,
			Inputs:  []stack.TensorSpec{{Name: "pixel_values", Datatype: "FP32", Shape: []int64{-1, 3, 224, 224}}},
			Outputs: []stack.TensorSpec{{Name: "logits", Datatype: "FP32", Shape: []int64{-1, 1000}}},
		}},
	}
}

func text() stack.Model {
	return stack.Model{
		Name: "all-minilm-l6-v2", Task: stack.Embeddings, Text: &stack.TextSpec{MaxTokens: 256},
		Graphs: []stack.Graph{{
			Name: stack.Whole, File: "model.onnx", Precision: stack.FP32,
			Inputs: []stack.TensorSpec{
				{Name: "input_ids", Datatype: "INT64", Shape: []int64{-1, -1}}, {Name: "attention_mask", Datatype: "INT64", Shape: []int64{-1, -1}},
			},
			Outputs: []stack.TensorSpec{{Name: "sentence_embedding", Datatype: "FP32", Shape: []int64{-1, 384}}},
		}},
	}
}

func decoder() stack.Model {
	return stack.Model{
		Name: "gpt2", Task: stack.TextGeneration, Text: &stack.TextSpec{MaxTokens: 1024}, Decoder: &stack.DecoderSpec{Context: 1024},
	}
}

// TestModelRepositories holds the repositories to golden ones, one file each:
// what is in them, and every configuration.
func TestModelRepositories(t *testing.T) {
	library := fstest.MapFS{}
	for name, c := range map[string]struct {
		stack stack.Stack
		model stack.Model
		on    stack.Device
		batch stack.Batching
	}{
		"image-cpu":       {triton.Stack(library), image(), stack.CPU, stack.Batching{}},
		"image-cpu-batch": {triton.Stack(library), image(), stack.CPU, stack.Batching{Max: 16, Delay: 5 * time.Millisecond}},
		"text-cpu-batch":  {triton.Stack(library), text(), stack.CPU, stack.Batching{Max: 32}},
		"image-gpu":       {triton.Stack(library), image(), stack.GPU, stack.Batching{Max: 16, Delay: time.Millisecond}},
		"image-tensorrt":  {triton.TensorRT(library), image(), stack.GPU, stack.Batching{}},
		"text-gpu":        {triton.Stack(library), text(), stack.GPU, stack.Batching{}},
		"text-gpu-batch":  {triton.Stack(library), text(), stack.GPU, stack.Batching{Max: 16, Delay: time.Millisecond}},
		"generate-cpu":    {triton.Stack(library), decoder(), stack.CPU, stack.Batching{}},
		"generate-vllm":   {triton.VLLM(), decoder(), stack.GPU, stack.Batching{Max: 1}},
		"text-tensorrt":   {triton.TensorRT(library), text(), stack.GPU, stack.Batching{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := stack.Run{Models: "/models", Files: "/repository", Model: c.model, Device: c.on, Threads: 2, Batch: c.batch}
			files, err := c.stack.Container.Files(r)
			require.NoError(t, err)
			golden(t, name+".txt", listing(files))
		})
	}
}

// listing is a repository as a page: its configurations, and the names of the rest.
func listing(f stack.Files) string {
	var b strings.Builder
	var names []string
	for name := range f.Content {
		names = append(names, name)
	}
	for name, to := range f.Links {
		names = append(names, name+" → "+to)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString("== " + name + "\n")
		if strings.HasSuffix(name, ".pbtxt") || strings.HasSuffix(name, "1/model.json") {
			b.Write(f.Content[name])
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestTextThatTritonDoesNotGenerate(t *testing.T) {
	c := triton.Stack(fstest.MapFS{}).Container
	r := stack.Run{Models: "/models", Files: "/repository", Model: decoder(), Device: stack.GPU}
	_, err := c.Files(r)
	require.EqualError(t, err, "on a GPU, Triton generates text in its vLLM backend: measure triton-vllm")
	r.Device, r.Batch.Max = stack.CPU, 8
	_, err = c.Files(r)
	require.EqualError(t, err, "its model in Python generates each text alone: Triton joins requests, not answers under way")
	for device, want := range map[stack.Device]bool{stack.CPU: true, stack.GPU: false} {
		_, ok := triton.Stack(fstest.MapFS{}).On(device).Find(stack.TextGeneration, stack.GRPC, stack.Text, 1)
		require.Equal(t, want, ok, device)
		_, ok = triton.VLLM().On(device).Find(stack.TextGeneration, stack.GRPC, stack.Text, 1)
		require.Equal(t, !want, ok, device)
	}
}

func TestTheVLLMBackendsArguments(t *testing.T) {
	c := triton.VLLM().Container
	require.Equal(t, []string{
		"tritonserver", "--model-repository=/repository", "--exit-on-error=true", "--strict-readiness=true", "--metrics-interval-ms=500", "--log-verbose=0",
	}, c.Args(stack.Run{Files: "/repository"}))
	require.NotContains(t, c.Images, stack.CPU)
	require.Nil(t, c.Images[stack.GPU].Build, "its makers' image")
}

func TestPlanIsCompiledBeforeTheServerStarts(t *testing.T) {
	c := triton.TensorRT(fstest.MapFS{}).Container
	r := stack.Run{Models: "/models", Files: "/repository", Model: image(), Device: stack.GPU, Batch: stack.Batching{Max: 16}}
	require.Equal(t, []string{
		"/opt/nvidia/nvidia_entrypoint.sh", "/usr/src/tensorrt/bin/trtexec", "--onnx=/models/resnet50/model.onnx", "--saveEngine=/repository/resnet50/1/model.plan",
		"--minShapes=pixel_values:1x3x224x224", "--optShapes=pixel_values:8x3x224x224", "--maxShapes=pixel_values:16x3x224x224",
		"--noTF32", "--skipInference",
	}, c.Init(r))
	r.Model = text()
	require.Equal(t, []string{"true"}, c.Init(r), "texts differ in length: there is no plan")
	require.NotContains(t, c.Images, stack.CPU)
}

// TestTellingLines holds the expression to what the real server wrote about
// repositories that it rejects.
func TestTellingLines(t *testing.T) {
	telling := regexp.MustCompile(triton.Stack(fstest.MapFS{}).Container.Telling)
	recorded := func(name string) string {
		text, err := os.ReadFile("../../testdata/captures/triton/" + name)
		require.NoError(t, err)
		return string(text)
	}
	for want, log := range map[string]string{
		"failed to load 'resnet50' version 1: Invalid argument: unable to find backend library for backend 'onnxruntime', try specifying runtime on the model configuration.":                               recorded("rejected-backend.txt"),
		`failed to load 'm' version 1: Internal: ModuleNotFoundError: No module named 'nothere'\n\nAt:\n  /repository/m/1/model.py(1): <module>`:                                                            recorded("rejected-module.txt"),
		"failed to load 'efficientnet-lite0_preprocess' version 1: Internal: RuntimeError: numpy 2.3.5 is installed, with which Triton's python backend passes empty tensors: install numpy<2 in the image": recorded("rejected-numpy2.txt"),
		`Error parsing text-format inference.ModelConfig: 4:41: Unknown enumeration value of "TYPE_FLOAT" for field "data_type".`: `[libprotobuf ERROR text_format.cc:337] Error parsing text-format inference.ModelConfig: 4:41: Unknown enumeration value of "TYPE_FLOAT" for field "data_type".
E1126 00:40:20.751803 1 model_repository_manager.cc:1460] "Poll failed for model directory 'm': failed to read text proto from /repository/m/config.pbtxt"
`,
	} {
		first := ""
		for line := range strings.Lines(log) {
			if m := telling.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				first = m[1]
				break
			}
		}
		require.True(t, strings.HasPrefix(first, want), "%q", first)
	}
}
