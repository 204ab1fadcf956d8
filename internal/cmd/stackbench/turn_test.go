package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/turn"
)

// TestARunIsRefusedWhileAnotherMeasures: at once, in words, with 2, and nothing is set up.
func TestARunIsRefusedWhileAnotherMeasures(t *testing.T) {
	t.Setenv("STACKBENCH_LOCK", t.TempDir()+"/lock")
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	release, err := turn.Take("go test -bench")
	require.NoError(t, err)
	defer release()
	var stdout, stderr bytes.Buffer
	require.Equal(t, request, stackbench(context.Background(), []string{"run", "--group", "embeddings", "--stacks", "embedded"}, &stdout, &stderr))
	require.Regexp(t, `^stackbench: process \d+ \(go test -bench, since [\d:]+\) measures on this machine, and two runs at a time disturb one another\nwait for its end, or end it \(the lock is `, stderr.String())
	require.Empty(t, stdout.String())
}
