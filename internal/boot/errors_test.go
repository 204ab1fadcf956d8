package boot

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"
)

func TestErrorsAreTwoLinesAndALog(t *testing.T) {
	cause := errors.New("cause")
	f := &Failure{What: "what", Cure: "do", Log: "a\nb\n", LogFile: "/x.log", Err: cause}
	require.Equal(t, "what\ndo (log: /x.log)\n  | a\n  | b", f.Error())
	require.ErrorIs(t, f, cause)
	u := &Unavailable{Reason: "why", Cure: "do", Err: cause}
	require.Equal(t, "why\ndo", u.Error())
	require.ErrorIs(t, u, cause)
}

func TestLines(t *testing.T) {
	require.Equal(t, "b\nc", lastLines("a\nb\nc\n", 2))
	require.Equal(t, "a\nb", lastLines("a\nb", 5))
	require.Equal(t, "", lastLines("", 3))
	require.Equal(t, "a", firstLine("  a\nb"))
	require.Len(t, firstLine(strings.Repeat("x", 900)), 303)
}

func TestImageFailures(t *testing.T) {
	check := func(verb, log, seen, cure string) {
		t.Helper()
		f := failure(t, imageFailure(verb, "img:1", log, errors.New(seen)))
		require.Contains(t, f.What, verb+" image img:1: ")
		require.Contains(t, f.Cure, cure)
	}
	check("build", "Collecting torch", "write /var/lib/docker/overlay2/x: no space left on device", "the disk is full")
	check("build", "E: You don't have enough free space\nNo space left on device\n", "The command '/bin/sh -c pip install' returned a non-zero code: 1", "the disk is full")
	check("build", "Temporary failure in name resolution", "returned a non-zero code: 1", "no network")
	check("build", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "returned a non-zero code: 1", "differs from the locked one")
	check("build", "SyntaxError", "returned a non-zero code: 1", "read the lines below")
	check("pull", "", "failed to register layer: no space left on device", "the disk is full")
	check("pull", "", "manifest for img:1 not found: manifest unknown", "check the image's name and tag")
	check("pull", "", "pull access denied for img, repository does not exist or may require 'docker login'", "log in to its registry")
	check("pull", "", `Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host`, "make images")
	require.ErrorIs(t, imageFailure("build", "img:1", "", context.Canceled), context.Canceled)
}

func TestContainerFailures(t *testing.T) {
	check := func(seen, what, cure string) {
		t.Helper()
		f := failure(t, containerFailure("tei", "tei:1", errors.New(seen)))
		require.Contains(t, f.What, what)
		require.Contains(t, f.Cure, cure)
	}
	check(`OCI runtime create failed: exec: "/absent": stat /absent: no such file or directory`, "image tei:1 does not have the program to run", "right image")
	check("No command specified", "image tei:1 does not have the program to run", "right image")
	check("Bind for 127.0.0.1:8000 failed: port is already allocated", "port is already allocated", "start it again")
	check("Requested CPUs are not available - requested 9, available: 0-1", "Requested CPUs", "cores")
	check("create container: reaper: run container", "reaper", "TESTCONTAINERS_RYUK_DISABLED=true")
	check("mkdir /var/lib/docker/overlay2/x: no space left on device", "no space left", "the disk is full")
	check("something new", "start tei: something new", "daemon's words")

	var skip *Unavailable
	require.ErrorAs(t, containerFailure("tei", "tei:1", errors.New(`could not select device driver "nvidia" with capabilities: [[gpu]]`)), &skip)
	require.Equal(t, "Docker has no NVIDIA runtime", skip.Reason)
	require.ErrorIs(t, containerFailure("tei", "tei:1", context.Canceled), context.Canceled)
}

func TestHowContainersEnd(t *testing.T) {
	check := func(st container.State, limit int64, want string) {
		t.Helper()
		what, cure := howContainerEnded(st, limit)
		require.Equal(t, want, what)
		require.NotEmpty(t, cure)
	}
	check(container.State{OOMKilled: true, ExitCode: 137}, 512_000_000, "ran out of memory and was killed: its limit is 512 MB")
	check(container.State{OOMKilled: true, ExitCode: 137}, 0, "was killed (signal 9), as the kernel does when memory runs out")
	check(container.State{ExitCode: 137}, 0, "was killed (signal 9), as the kernel does when memory runs out")
	check(container.State{ExitCode: 127}, 0, "exited with code 127: its entry point cannot be run")
	check(container.State{ExitCode: 1}, 0, "exited with code 1")
}

func TestMemoryOf(t *testing.T) {
	require.Equal(t, int64(700), memoryOf(container.MemoryStats{Usage: 1000, Stats: map[string]uint64{"total_cache": 400, "total_shmem": 100}}))
	require.Equal(t, int64(800), memoryOf(container.MemoryStats{Usage: 1000, Stats: map[string]uint64{"file": 200}}))
	require.Equal(t, int64(0), memoryOf(container.MemoryStats{Usage: 1, Stats: map[string]uint64{"file": 200}}))
}
