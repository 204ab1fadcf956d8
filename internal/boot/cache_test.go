package boot

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAForeignFolderIsNeverRemoved(t *testing.T) {
	thesis := func(t *testing.T) string {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "thesis/chapter1.tex"), "words")
		return dir
	}
	for name, make := range map[string]func(t *testing.T) string{
		"a thesis": thesis,
		"used as a cache all the same": func(t *testing.T) string {
			dir := thesis(t)
			require.NoError(t, MarkCache(dir))
			f, err := CommandLog(dir)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			return dir
		},
		"models of somebody's own": func(t *testing.T) string {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "models/mine/weights.bin"), "years of work")
			return dir
		},
		"and logs": func(t *testing.T) string {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "models/mine/weights.bin"), "years of work")
			write(t, filepath.Join(dir, "logs/2026-01-01-000000.log"), "")
			return dir
		},
		"a file of a known name": func(t *testing.T) string {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "bin"), "")
			return dir
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := make(t)
			before := sizeOf(dir)
			_, err := RemoveCache(dir)
			require.Contains(t, failure(t, err).What, "it has no mark of stackbench's")
			require.Equal(t, before, sizeOf(dir))
		})
	}
}

func TestACacheIsRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	require.NoError(t, MarkCache(dir))
	require.NoError(t, MarkCache(dir), "again")
	write(t, filepath.Join(dir, "models/m/model.json"), "{}")
	write(t, filepath.Join(dir, "bin/x"), "12345")
	write(t, filepath.Join(dir, "mine.txt"), "of the user")
	done, err := RemoveCache(dir)
	require.NoError(t, err)
	require.Equal(t, Cleaned{Bytes: 7, Left: []string{"mine.txt"}}, done)
	require.NoDirExists(t, filepath.Join(dir, "models"))
	require.FileExists(t, filepath.Join(dir, "mine.txt"))

	require.NoError(t, os.Remove(filepath.Join(dir, "mine.txt")))
	require.NoError(t, MarkCache(dir))
	_, err = RemoveCache(dir)
	require.NoError(t, err)
	require.NoDirExists(t, dir)
	done, err = RemoveCache(dir)
	require.NoError(t, err)
	require.True(t, done.Nothing)
}

// Caches of before there were marks are known by what is in them.
func TestAnOldCacheIsRecognised(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "models/m/model.json"), "{}")
	write(t, filepath.Join(dir, "models/.m.lock"), "")
	write(t, filepath.Join(dir, "logs/20261128T143231-triton-1.log"), "")
	done, err := RemoveCache(dir)
	require.NoError(t, err)
	require.True(t, done.Old)
	require.NoDirExists(t, dir)
}

func TestACacheInUseIsNotRemoved(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, MarkCache(dir))
	record, err := json.Marshal(leftover{Owner: self().String(), Server: self().String()})
	require.NoError(t, err)
	write(t, filepath.Join(dir, "run/x-1.json"), string(record))
	_, err = RemoveCache(dir)
	require.Contains(t, failure(t, err).What, fmt.Sprintf("process %d is measuring with it", os.Getpid()))
}

// A run that starts many servers keeps its own log: each kind drops its own.
func TestServersLogsDropNoCommands(t *testing.T) {
	cache := t.TempDir()
	f, err := CommandLog(cache)
	require.NoError(t, err)
	defer f.Close()
	for range keptLogs + 2 {
		s, err := createLog(cache, "x")
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	require.FileExists(t, f.Name())
}

func TestLockListensToItsContext(t *testing.T) {
	cache := t.TempDir()
	unlock, err := lock(t.Context(), cache, "x")
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = lock(ctx, cache, "x")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestProcessesGetNoKeys(t *testing.T) {
	for name, value := range map[string]string{
		"HF_TOKEN": "hf_secret", "AWS_SECRET_ACCESS_KEY": "secret", "GITHUB_TOKEN": "secret", "STACKBENCH_ATTACH_X": "http://u:secret@h:1",
		"PYTHONPATH": "/my/packages", "LC_ALL": "C.UTF-8", "https_proxy": "http://proxy:3128", "CUDA_VISIBLE_DEVICES": "0", "GOMAXPROCS": "1",
	} {
		t.Setenv(name, value)
	}
	srv := start(t, processSpec(t, "ok"))
	env, err := get(t.Context(), srv.Endpoint, "/env")
	require.NoError(t, err)
	require.NotContains(t, env, "secret")
	for _, kept := range []string{"PYTHONPATH=/my/packages", "LC_ALL=C.UTF-8", "https_proxy=http://proxy:3128", "CUDA_VISIBLE_DEVICES=0", "GOMAXPROCS=1", "PATH=" + os.Getenv("PATH"), "HOME="} {
		require.Contains(t, env, kept)
	}
}

func TestDefaultCache(t *testing.T) {
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	dir, err := DefaultCache()
	require.NoError(t, err)
	require.Equal(t, os.Getenv("STACKBENCH_CACHE"), dir)
	t.Setenv("STACKBENCH_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	t.Setenv("HOME", "/somewhere")
	dir, err = DefaultCache()
	require.NoError(t, err)
	require.Equal(t, "stackbench", filepath.Base(dir))
}
