package boot

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAVariableOfNoStackIsRefused(t *testing.T) {
	stacks := []string{"embedded", "tei-grpc"}
	for _, right := range [][]string{
		nil,
		{"PATH=/bin", "STACKBENCH_CACHE=/x", "STACKBENCH_BASE_IMAGE=a:1", "STACKBENCH_BIN=1", "IMAGE_X=1"},
		{"STACKBENCH_ATTACH_EMBEDDED=a:1", "STACKBENCH_IMAGE_TEI_GRPC=a:1", "STACKBENCH_BIN_EMBEDDED=/x"},
		{"STACKBENCH_ATTACH_EMBEDED="}, // unset, in a shell that cannot unset
	} {
		require.NoError(t, Misnamed(right, stacks), right)
	}
	for _, wrong := range []string{"STACKBENCH_ATTACH_EMBEDED", "STACKBENCH_IMAGE_TEI-GRPC", "STACKBENCH_BIN_", "STACKBENCH_ATTACH_embedded"} {
		err := Misnamed([]string{"STACKBENCH_ATTACH_EMBEDDED=a:1", wrong + "=hunter2"}, stacks)
		f := failure(t, err)
		require.Equal(t, wrong+" names no stack", f.What)
		require.Contains(t, f.Cure, "_EMBEDDED, ")
		require.NotContains(t, err.Error(), "hunter2", "a value may hold a secret")
	}
}
