package embedded_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded"
)

func TestArgsFollowTheRun(t *testing.T) {
	run := stack.Run{
		Models: "/store", Model: stack.Model{Name: "resnet50"}, Device: stack.CPU, Threads: 2, Listen: stack.Endpoint{REST: "127.0.0.1:8000", GRPC: "127.0.0.1:8001"},
		Batch: stack.Batching{Max: 8, Delay: 2 * time.Millisecond}, Library: "/lib/libonnxruntime.so",
	}
	want := []string{
		"--models", "/store", "--model", "resnet50", "--rest", "127.0.0.1:8000", "--device", "cpu", "--threads", "2",
		"--max-batch", "8", "--max-delay", "2ms", "--grpc", "127.0.0.1:8001", "--ort-lib", "/lib/libonnxruntime.so",
	}
	require.Equal(t, want, embedded.Stack().Process.Args(run))
	require.Equal(t, append(want, "--null"), embedded.Null().Process.Args(run))

	run.Precision = stack.INT8
	require.Subset(t, embedded.Stack().Process.Args(run), []string{"--precision", "int8"})
	run.Listen.GRPC, run.Library = "", ""
	require.NotContains(t, embedded.Stack().Process.Args(run), "--grpc")
	require.NotContains(t, embedded.Null().Process.Args(run), "--ort-lib")
}

func TestEachTaskIsServedOnBothTransports(t *testing.T) {
	s := embedded.Stack()
	contract := func(task stack.Task, p stack.Proto, in stack.Input, batch int) stack.Contract {
		c, ok := s.Find(task, p, in, batch)
		require.True(t, ok, "%s %s %s batch %d", task, p, in, batch)
		return c.Contract
	}
	require.Equal(t, stack.Predict, contract(stack.ImageClassification, stack.REST, stack.JPEG, 1))
	require.Equal(t, stack.OIP, contract(stack.ImageClassification, stack.REST, stack.JPEG, 8))
	require.Equal(t, stack.OIP, contract(stack.ImageClassification, stack.REST, stack.Tensor, 32))
	require.Equal(t, stack.OIP, contract(stack.ImageClassification, stack.GRPC, stack.JPEG, 32))
	require.Equal(t, stack.OIP, contract(stack.ImageClassification, stack.GRPC, stack.Tensor, 1))
	require.Equal(t, stack.OpenAI, contract(stack.Embeddings, stack.REST, stack.Text, 32))
	require.Equal(t, stack.OIP, contract(stack.Embeddings, stack.GRPC, stack.Text, 32))
	require.Equal(t, stack.OpenAI, contract(stack.TextGeneration, stack.REST, stack.Text, 1))
	require.Equal(t, stack.OpenAI, contract(stack.TextGeneration, stack.SSE, stack.Text, 1))
	require.Equal(t, stack.WSGen, contract(stack.TextGeneration, stack.WS, stack.Text, 1))
	require.Equal(t, stack.OIP, contract(stack.TextGeneration, stack.GRPC, stack.Text, 1))
}
