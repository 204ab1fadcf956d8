package fastapi_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/fastapi"
)

func TestEveryPythonFileIsEmbedded(t *testing.T) {
	source := fastapi.ONNXRuntime().Process.Python.Source
	require.NoError(t, filepath.WalkDir("stackserver", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".py" {
			return err
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		got, err := fs.ReadFile(source, filepath.ToSlash(path))
		require.NoError(t, err, "name its folder in fastapi.go's go:embed")
		require.Equal(t, string(want), string(got))
		return nil
	}))
}

func TestArguments(t *testing.T) {
	run := stack.Run{
		Models: "/models", Model: stack.Model{Name: "resnet50"}, Device: stack.CPU, Threads: 2, Listen: stack.Endpoint{REST: "0.0.0.0:8000"},
		Batch: stack.Batching{Max: 16, Delay: 2500 * time.Microsecond},
	}
	want := []string{
		"--backend", "pytorch", "--models", "/models", "--model", "resnet50", "--rest", "0.0.0.0:8000",
		"--device", "cpu", "--threads", "2",
	}
	s := fastapi.PyTorch(stack.Image{Ref: "torch"})
	require.Equal(t, want, s.Container.Args(run))
	require.Equal(t, want, s.Process.Args(run))
	require.Contains(t, s.Process.Env(run), "OMP_NUM_THREADS=2")
	queue := fastapi.Queue()
	want[1] = "onnxruntime"
	require.Equal(t, append(want, "--max-batch", "16", "--max-delay", "2.5ms", "--queue", "128", "--generations", "1"), queue.Container.Args(run))
	require.Equal(t, queue.Container.Args(run), queue.Process.Args(run))

	run.Precision = stack.INT8
	require.Subset(t, queue.Container.Args(run), []string{"--precision", "int8"})
	run.Precision = ""
	run.Model.Task, run.Model.Decoder = stack.TextGeneration, &stack.DecoderSpec{}
	require.Equal(t, append(want, "--queue", "128", "--generations", "8"), fastapi.ONNXRuntime().Container.Args(run))
}

func TestCapabilities(t *testing.T) {
	s := fastapi.ONNXRuntime()
	for _, c := range []struct {
		task  stack.Task
		proto stack.Proto
		input stack.Input
		batch int
		want  stack.Contract
	}{
		{stack.ImageClassification, stack.REST, stack.JPEG, 1, stack.Predict},
		{stack.ImageClassification, stack.REST, stack.JPEG, 8, stack.OIP},
		{stack.ImageClassification, stack.REST, stack.Tensor, 32, stack.OIP},
		{stack.Embeddings, stack.REST, stack.Text, 32, stack.OpenAI},
		{stack.TextGeneration, stack.REST, stack.Text, 1, stack.OpenAI},
		{stack.TextGeneration, stack.SSE, stack.Text, 1, stack.OpenAI},
		{stack.TextGeneration, stack.WS, stack.Text, 1, stack.WSGen},
	} {
		got, ok := s.Find(c.task, c.proto, c.input, c.batch)
		require.True(t, ok)
		require.Equal(t, c.want, got.Contract)
		_, ok = s.Find(c.task, stack.GRPC, c.input, c.batch)
		require.False(t, ok, "these stacks have no gRPC")
	}
}

// TestProcessesSayWhetherTheyHaveAGPU: the locked onnxruntime is for the CPU,
// the locked torch brings CUDA.
func TestProcessesSayWhetherTheyHaveAGPU(t *testing.T) {
	for _, s := range []stack.Stack{fastapi.ONNXRuntime(), fastapi.Queue()} {
		lock, err := fs.ReadFile(s.Process.Python.Source, "requirements/onnxruntime.txt")
		require.NoError(t, err)
		require.NotContains(t, string(lock), "onnxruntime-gpu==")
		require.Contains(t, s.Process.Python.OnGPU, "CUDAExecutionProvider")
	}
	torch := fastapi.PyTorch(stack.Image{Ref: "torch"}).Process.Python
	lock, err := fs.ReadFile(torch.Source, "requirements/pytorch.txt")
	require.NoError(t, err)
	require.Contains(t, string(lock), "nvidia-")
	require.Empty(t, torch.OnGPU)
}

func TestPyTorchBuildsOnTheGivenBase(t *testing.T) {
	base := stack.Image{Ref: "torch"}
	s := fastapi.PyTorch(base)
	for _, device := range []stack.Device{stack.CPU, stack.GPU} {
		require.Equal(t, &base, s.Container.Images[device].Build.Base)
	}
	require.Equal(t, fastapi.ONNXRuntime().Container.Images, fastapi.Queue().Container.Images, "one image serves both")
	require.Nil(t, fastapi.ONNXRuntime().Container.Images[stack.CPU].Build.Base)
}
