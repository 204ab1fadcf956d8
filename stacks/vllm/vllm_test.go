package vllm_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/vllm"
)

func TestArguments(t *testing.T) {
	c := vllm.Stack(stack.Image{Ref: "torch"}).Container
	r := stack.Run{Files: "/repository", Model: stack.Model{Name: "m", Decoder: &stack.DecoderSpec{Context: 1024}}, Device: stack.CPU, Threads: 3}
	want := []string{
		"--model", "/repository", "--served-model-name", "m", "--host", "0.0.0.0", "--port", "8000",
		"--dtype", "float32", "--seed", "0", "--generation-config", "vllm", "--max-model-len", "1024",
		"--max-num-seqs", "32", "--no-enable-prefix-caching", "--disable-uvicorn-access-log", "--enforce-eager",
	}
	require.Equal(t, want, c.Args(r))
	require.Equal(t, []string{
		"HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1", "DO_NOT_TRACK=1", "OMP_NUM_THREADS=3", "VLLM_CPU_KVCACHE_SPACE=1", "VLLM_CPU_OMP_THREADS_BIND=nobind",
	}, c.Env(r))
	r.Batch.Max, r.Model.Decoder.Context, r.Prefix = 1, 8192, true
	want[15], want[17], want[18] = "2048", "1", "--enable-prefix-caching"
	require.Equal(t, want, c.Args(r))

	r.Device, r.Batch.Max, r.Prefix = stack.GPU, 0, false
	want[17], want[18] = "256", "--no-enable-prefix-caching"
	require.Equal(t, append(want[:20], "--gpu-memory-utilization", "0.85"), c.Args(r), "compiled, with CUDA's graphs")
	require.Contains(t, c.Env(r), "NVIDIA_TF32_OVERRIDE=0")
	require.Equal(t, "torch", c.Images[stack.CPU].Build.Base.Ref)
	require.Nil(t, c.Images[stack.GPU].Build, "its makers' image")
}

// TestItsLogSaysWhyItDidNotStart holds the expression to lines that the real
// server wrote.
func TestItsLogSaysWhyItDidNotStart(t *testing.T) {
	telling := regexp.MustCompile(vllm.Stack(stack.Image{}).Container.Telling)
	for line, want := range map[string]string{
		"(Worker pid=30) ERROR 11-26 03:04:39 [multiproc_executor.py:953] RuntimeError: Cannot find any model weights with `/m/bad`":                                                                                                                "RuntimeError: Cannot find any model weights with `/m/bad`",
		"Value error, User-specified max_model_len (20480) is greater than the derived max_model_len (max_position_embeddings=8192.0). [type=value_error, input_value=ArgsKwargs((), {'model': ...nderer_num_workers': 1}), input_type=ArgsKwargs]": "Value error, User-specified max_model_len (20480) is greater than the derived max_model_len (max_position_embeddings=8192.0).",
		"api_server.py: error: unrecognized arguments: --nope": "error: unrecognized arguments: --nope",
	} {
		require.Equal(t, want, telling.FindStringSubmatch(line)[1])
	}
	for _, line := range []string{
		"(APIServer pid=1) WARNING 11-26 03:04:19 [system_utils.py:255] This can cause fd limit errors like `OSError: [Errno 24] Too many open files`. Consider increasing with ulimit -n",
		"(Worker pid=30) ERROR 11-26 03:04:39 [multiproc_executor.py:953]     raise RuntimeError(",
		"pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig",
	} {
		require.Nil(t, telling.FindStringSubmatch(line), line)
	}
}
