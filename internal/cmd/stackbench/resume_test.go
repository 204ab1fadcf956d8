package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/results"
	"stackbench/internal/runner"
)

func TestAnotherMachineIsAWrongRequest(t *testing.T) {
	began := results.Env{Machine: results.Machine{CPU: "A", Cores: 2, OS: "linux"}, Device: "cpu"}
	log, err := results.Create(t.TempDir(), "quick", time.Now(), began)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.NoError(t, same(log.Dir(), began))
	require.NoError(t, same("", results.Env{}), "a new run")

	here := began
	here.Machine.CPU = "B"
	var words strings.Builder
	require.Equal(t, request, report(same(log.Dir(), here), &words))
	require.Contains(t, words.String(), "cannot be gone on with")
	require.Contains(t, words.String(), "\n  processor: A then, B now\n")
	require.Contains(t, words.String(), "start a new run")
}

// TestExitCodes: what a run ends with, by what ended it.
func TestExitCodes(t *testing.T) {
	open, ended := make(chan struct{}), make(chan struct{})
	close(ended)
	check := func(name string, code int, by syscall.Signal, ending chan struct{}, err error) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			if by != 0 {
				cancel(&runner.Interrupted{Signal: by})
			}
			require.Equal(t, code, report(interruption(ctx, ending, err), &strings.Builder{}))
		})
	}
	failure := errors.New("a stack failed")
	check("done", done, 0, open, nil)
	check("a failure", failed, 0, open, failure)
	check("Ctrl-C, in order", 130, 0, ended, nil)
	check("Ctrl-C, with a failure before", 130, 0, ended, failure)
	check("Ctrl-C twice", 130, syscall.SIGINT, ended, context.Canceled)
	check("SIGTERM", 143, syscall.SIGTERM, open, context.Canceled)
	check("a full disk", failed, 0, ended, &runner.Lost{Err: failure})
}

func TestSeedsAreExactInEveryReader(t *testing.T) {
	seen := map[uint64]bool{}
	for range 1000 {
		s := newSeed()
		require.Equal(t, s, uint64(float64(s)))
		require.Positive(t, s)
		require.False(t, seen[s])
		seen[s] = true
	}
}
