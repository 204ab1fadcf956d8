package sglang_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/sglang"
)

func TestArguments(t *testing.T) {
	c := sglang.Stack().Container
	r := stack.Run{Files: "/repository", Model: stack.Model{Name: "gpt2", Decoder: &stack.DecoderSpec{Context: 1024}}, Device: stack.GPU, Threads: 4}
	want := []string{
		"python3", "-m", "sglang.launch_server",
		"--model-path", "/repository", "--served-model-name", "gpt2", "--host", "0.0.0.0", "--port", "30000",
		"--dtype", "float32", "--attention-backend", "triton", "--random-seed", "0", "--sampling-defaults", "openai",
		"--context-length", "1024", "--max-running-requests", "256", "--mem-fraction-static", "0.85", "--enable-metrics", "--disable-radix-cache",
	}
	require.Equal(t, want, c.Args(r))
	require.Equal(t, []string{"HF_HUB_OFFLINE=1", "NVIDIA_TF32_OVERRIDE=0", "OMP_NUM_THREADS=4"}, c.Env(r))
	r.Batch.Max, r.Prefix = 8, true
	want[22] = "8"
	require.Equal(t, want[:26], c.Args(r))
	require.NotContains(t, c.Images, stack.CPU)
	require.Nil(t, c.Images[stack.GPU].Build, "its makers' image")
}
