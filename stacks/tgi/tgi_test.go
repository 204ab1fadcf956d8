package tgi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/tgi"
)

func TestArguments(t *testing.T) {
	s := tgi.Stack()
	c := s.Container
	r := stack.Run{Files: "/repository", Model: stack.Model{Name: "gpt2", Decoder: &stack.DecoderSpec{Context: 1024}}, Device: stack.CPU, Threads: 2}
	want := []string{
		"--model-id", "/repository", "--dtype", "bfloat16", "--hostname", "0.0.0.0", "--port", "80", "--prometheus-port", "9000",
		"--max-input-tokens", "1023", "--max-total-tokens", "1024", "--max-batch-size", "32", "--max-concurrent-requests", "8192",
		"--usage-stats", "off", "--json-output", "--cuda-graphs", "0",
	}
	require.Equal(t, want, c.Args(r))
	require.Equal(t, []string{"HF_HUB_OFFLINE=1", "PREFIX_CACHING=0", "OMP_NUM_THREADS=2"}, c.Env(r))
	r.Device, r.Batch.Max, r.Prefix = stack.GPU, 1, true
	want[3], want[15] = "float16", "1"
	require.Equal(t, want[:21], c.Args(r))
	require.Contains(t, c.Env(r), "PREFIX_CACHING=1")
	files, err := c.Files(r)
	require.NoError(t, err)
	require.Contains(t, files.Links, "model.safetensors")
	for device, img := range c.Images {
		require.Nil(t, img.Build, "its makers' image for %s", device)
	}
	require.Nil(t, s.Process, "it is published as an image only")
	for _, proto := range []stack.Proto{stack.REST, stack.SSE} {
		how, ok := s.Find(stack.TextGeneration, proto, stack.Text, 1)
		require.True(t, ok)
		require.Equal(t, stack.TGI, how.Contract)
	}
}
