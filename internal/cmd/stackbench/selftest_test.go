package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
)

// TestTheSelftestsSidesAreWholeCores: a processor of the client's shares its
// physical core with none of the servers'.
func TestTheSelftestsSidesAreWholeCores(t *testing.T) {
	pairs := func(n int) cpuset.Set { return cpuset.Set{n % 2, n%2 + 2} } // 0 with 2, 1 with 3
	client, server, note := sides(cpuset.Set{0, 1, 2, 3}, pairs, 0)
	require.Equal(t, cpuset.Set{0, 2}, client)
	require.Equal(t, cpuset.Set{1, 3}, server)
	require.Empty(t, note)
	client, server, _ = sides(cpuset.Set{0, 1, 2, 3}, pairs, 2)
	require.Equal(t, cpuset.Set{0}, client)
	require.Equal(t, cpuset.Set{1}, server)
}
