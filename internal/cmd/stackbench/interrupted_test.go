package main

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What broke off because the command was ended has a cure that would mislead.
func TestWhatWasEndedIsNotExplained(t *testing.T) {
	log, err := os.CreateTemp(t.TempDir(), "log")
	require.NoError(t, err)
	defer log.Close()
	broken := errors.New("compile x: signal: killed\ninstall a compiler")
	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, named(ctx, broken, log), broken)
	require.ErrorContains(t, named(ctx, broken, log), "\nthe whole log: "+log.Name())

	cancel()
	ending := make(chan struct{})
	close(ending)
	require.EqualError(t, interruption(t.Context(), ending, named(ctx, broken, log)), "interrupted (interrupt)")
}
