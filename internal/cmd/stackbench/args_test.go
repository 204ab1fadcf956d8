package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/host"
	"stackbench/internal/stack"
)

// A request that is wrong ends with 2 and two lines, before anything is started.
func TestWrongRequestsEndWithTwo(t *testing.T) {
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	for _, line := range []string{
		"run embeddings", "run --stacks embedded --trials 1 then --group embeddings", "setup all", "clean now", "doctor extra",
		"run --trials 1000000000", "setup --trials 1000000000", "run --trials -1",
		"run --duration 1000000h", "setup --duration 1000000h", "run --duration -1s", "run --trials many", "run --trials 99999999999999999999",
		"compare", "compare a b c", "compare a --x", "fake a", "frob",
	} {
		var said strings.Builder
		require.Equal(t, request, stackbench(t.Context(), strings.Fields(line), io.Discard, &said), line)
		require.GreaterOrEqual(t, strings.Count(said.String(), "\n"), 2, line)
	}
}

// An image that is not here is no "ok", and a reason keeps its own colons.
func TestDoctorsLineOfAStack(t *testing.T) {
	s := host.State{Stack: stack.Stack{Name: "tei"}, Launcher: "container"}
	s.Stack.Title = "TEI"
	require.Equal(t, "tei                      ok   container · TEI", stackLine(s))
	s.Reason, s.Cure = "it needs Python 3.11: exec: not found", "install: it"
	require.Equal(t, "tei                      no   it needs Python 3.11: exec: not found\n                              install: it", stackLine(s))
}
