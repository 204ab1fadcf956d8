package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/workload"
)

// TestCountsAreOfWhatIsThere holds what is counted to what is given.
func TestCountsAreOfWhatIsThere(t *testing.T) {
	c, err := workload.Count(stackbench.Testdata())
	require.NoError(t, err)
	photographs, err := workload.Photographs(stackbench.Testdata())
	require.NoError(t, err)
	require.Len(t, photographs, c.Photographs)
	tensors, err := workload.NewTensors(stackbench.Testdata(), norm())
	require.NoError(t, err)
	require.Len(t, tensors.Cuts(), c.Photographs)
	require.NotEmpty(t, c.Texts)
	for bucket, n := range c.Texts {
		texts, err := workload.NewTexts(stackbench.Testdata(), bucket)
		require.NoError(t, err)
		require.Len(t, texts.Known(), n)
	}
}

// TestCommittedInputsAreSeldom: some in every window, and next to none of a long one.
func TestCommittedInputsAreSeldom(t *testing.T) {
	seen, last := 0, -1
	for i := range 1 << 20 {
		if before, ok := workload.Committed(i); ok {
			require.Equal(t, last+1, before, i)
			seen, last = seen+1, before
		}
		switch i + 1 {
		case 8, 16, 32, 64:
			require.Equal(t, (i+1)/8, seen)
		case 128, 256, 1024, 1 << 20:
			require.Less(t, float64(seen)/float64(i+1), 0.126)
		}
	}
	require.Equal(t, 8+14*8, seen)
}
