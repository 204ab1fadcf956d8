package tei_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/tei"
)

func TestTwoImages(t *testing.T) {
	http, grpc := tei.HTTP(), tei.GRPC()
	require.Equal(t, stack.Ports{REST: 80}, http.Container.Ports)
	require.Equal(t, stack.Ports{GRPC: 80, Metrics: 9000}, grpc.Container.Ports)
	for _, s := range []stack.Stack{http, grpc} {
		require.Nil(t, s.Container.Images[stack.CPU].Build, "its makers' image")
		require.Nil(t, s.Process, "it is published as an image only")
	}
	_, ok := grpc.Find(stack.Embeddings, stack.GRPC, stack.Text, 8)
	require.False(t, ok, "a gRPC request is one text")
	args := http.Container.Args(stack.Run{Files: "/repository", Model: stack.Model{Name: "m"}, Threads: 2, Batch: stack.Batching{Max: 8}})
	require.Contains(t, args, "--max-batch-requests")
	require.Equal(t, "8", args[17])
}
