package host

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// What a batcher fills is held against what its server takes, where that is less.
func TestJoined(t *testing.T) {
	require.Equal(t, 4, Joined(32, 4))
	require.Equal(t, 2, Joined(2, 4))
	require.Equal(t, 32, Joined(32, 0), "it does not tell")
	require.Equal(t, 0, Joined(0, 4), "nothing was asked")
}

func TestACaseWithoutItsAddressIsSkippedInWords(t *testing.T) {
	s := stack.Stack{Name: "both", Serves: []stack.Capability{
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text}, {Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text},
	}}
	c := suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.GRPC, Input: stack.Text, Batch: 1}
	var h Host
	_, err := h.Capability(s, c)
	require.NoError(t, err)
	t.Setenv("STACKBENCH_ATTACH_BOTH", "http://127.0.0.1:1")
	_, err = h.Capability(s, c)
	require.EqualError(t, err, "the server is attached without a grpc= address")
	c.Proto = stack.REST
	_, err = h.Capability(s, c)
	require.NoError(t, err)
	t.Setenv("STACKBENCH_ATTACH_BOTH", "grpc=127.0.0.1:1")
	_, err = h.Capability(s, c)
	require.EqualError(t, err, "the server is attached without a rest= address")
}
