package infinity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/infinity"
)

func TestArguments(t *testing.T) {
	c := infinity.Stack(stack.Image{Ref: "torch"}).Container
	r := stack.Run{Files: "/repository", Model: stack.Model{Name: "m"}, Device: stack.CPU}
	want := []string{
		"--model-id", "/repository", "--served-model-name", "m", "--engine", "torch", "--device", "cpu", "--dtype", "float32",
		"--batch-size", "32", "--no-bettertransformer", "--no-model-warmup", "--no-trust-remote-code", "--url-prefix", "/v1", "--host", "0.0.0.0", "--port", "7997",
	}
	require.Equal(t, want, c.Args(r))
	r.Device, r.Batch.Max = stack.GPU, 8
	want[7], want[11] = "cuda", "8"
	require.Equal(t, want, c.Args(r))
	require.Equal(t, "torch", c.Images[stack.CPU].Build.Base.Ref)
}
