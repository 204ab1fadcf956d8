package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/workload"
)

// TestCountDrawsEachOnce holds what Count promises of drawing that many.
func TestCountDrawsEachOnce(t *testing.T) {
	c, err := workload.Count(stackbench.Testdata())
	require.NoError(t, err)
	require.Positive(t, c.Photographs)
	tensors, err := workload.Tensors(stackbench.Testdata(), workload.Normalisation{Std: [3]float32{1, 1, 1}}, 7, c.Photographs)
	require.NoError(t, err)
	seen := map[string]int{}
	for _, one := range tensors {
		seen[one.ID]++
	}
	require.Len(t, seen, c.Photographs)
	images, err := workload.Images(stackbench.Testdata(), 7, 2*c.Photographs)
	require.NoError(t, err)
	for _, one := range images {
		if one.Golden {
			seen[one.ID]++
		}
	}
	for id, n := range seen {
		require.Equal(t, 2, n, id)
	}
	require.NotEmpty(t, c.Texts)
	for bucket, n := range c.Texts {
		texts, err := workload.Texts(stackbench.Testdata(), bucket, 7, n)
		require.NoError(t, err)
		ids := map[string]bool{}
		for _, one := range texts {
			ids[one.ID] = true
		}
		require.Len(t, ids, n)
	}
}
