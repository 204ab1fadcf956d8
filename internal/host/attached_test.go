package host

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

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
