package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fetch"
)

// content is what the test servers hold.
func content() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 1<<16) }

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// server serves content with ranges and counts the bytes it sent; answer may
// take a request over by returning true.
func server(t *testing.T, answer func(http.ResponseWriter, *http.Request) bool) (fetch.Source, *atomic.Int64) {
	sent := new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer != nil && answer(w, r) {
			return
		}
		http.ServeContent(&counted{w, sent}, r, "", time.Time{}, bytes.NewReader(content()))
	}))
	t.Cleanup(s.Close)
	return fetch.Source{URL: s.URL + "/weights.bin", SHA256: hash(content()), Size: int64(len(content()))}, sent
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

func TestFileDownloadsOnce(t *testing.T) {
	src, sent := server(t, nil)
	dst := filepath.Join(t.TempDir(), "deep", "weights.bin")
	var steps []fetch.Step
	g := fetch.Getter{Progress: func(s fetch.Step) { steps = append(steps, s) }}
	for range 2 {
		require.NoError(t, g.File(t.Context(), src, dst))
	}
	got, err := os.ReadFile(dst)
	require.NoError(t, err)
	require.Equal(t, content(), got)
	require.Equal(t, src.Size, sent.Load(), "the second call found it")
	require.Equal(t, fetch.Step{Name: "weights.bin", Done: src.Size, Total: src.Size}, steps[len(steps)-1])
	require.NoFileExists(t, dst+".part")
}

func TestFileResumes(t *testing.T) {
	src, sent := server(t, nil)
	dst := filepath.Join(t.TempDir(), "weights.bin")
	require.NoError(t, os.WriteFile(dst+".part", content()[:src.Size-1000], 0o644))
	require.NoError(t, new(fetch.Getter).File(t.Context(), src, dst))
	require.EqualValues(t, 1000, sent.Load())
}

func TestFileStartsAgain(t *testing.T) {
	noRanges := func(w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		return false
	}
	for name, c := range map[string]struct {
		left   []byte
		answer func(http.ResponseWriter, *http.Request) bool
	}{
		"damaged part":       {bytes.Repeat([]byte("x"), 5000), nil},
		"part too long":      {append(content(), 'x'), nil},
		"server has no such": {content()[:5000], noRanges},
	} {
		src, _ := server(t, c.answer)
		dst := filepath.Join(t.TempDir(), "weights.bin")
		require.NoError(t, os.WriteFile(dst+".part", c.left, 0o644), name)
		require.NoError(t, new(fetch.Getter).File(t.Context(), src, dst), name)
		got, err := fetch.HashFile(dst)
		require.NoError(t, err)
		require.Equal(t, src.SHA256, got, name)
	}
}

func TestFileOfUnknownSizePastItsEnd(t *testing.T) {
	src, _ := server(t, nil)
	src.Size = 0
	dst := filepath.Join(t.TempDir(), "weights.bin")
	require.NoError(t, os.WriteFile(dst+".part", append(content(), "more"...), 0o644))
	require.NoError(t, new(fetch.Getter).File(t.Context(), src, dst))
}

func TestFileSurvivesABreak(t *testing.T) {
	var calls atomic.Int64
	src, _ := server(t, func(w http.ResponseWriter, r *http.Request) bool {
		if calls.Add(1) > 1 {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content())))
		_, err := w.Write(content()[:70000])
		if err == nil {
			panic(http.ErrAbortHandler)
		}
		return true
	})
	dst := filepath.Join(t.TempDir(), "weights.bin")
	require.NoError(t, new(fetch.Getter).File(t.Context(), src, dst))
	require.EqualValues(t, 2, calls.Load())
}

func TestFileErrors(t *testing.T) {
	good, _ := server(t, nil)
	dst := filepath.Join(t.TempDir(), "weights.bin")

	other := good
	other.SHA256 = hash([]byte("other"))
	var damaged *fetch.HashError
	require.ErrorAs(t, new(fetch.Getter).File(t.Context(), other, dst), &damaged)
	require.NoFileExists(t, dst)
	require.NoFileExists(t, dst+".part", "what is wrong is not resumed")

	full := fetch.Getter{Free: func(string) (int64, error) { return 1e6, nil }}
	err := full.File(t.Context(), good, dst)
	var space *fetch.SpaceError
	require.ErrorAs(t, err, &space)
	require.ErrorContains(t, err, "disk full: 1.0 MB needed, 1.0 MB free in "+filepath.Dir(dst)+"\nmake room")

	missing, _ := server(t, func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true })
	require.ErrorContains(t, new(fetch.Getter).File(t.Context(), missing, dst), "download weights.bin: the server answers 404 Not Found")

	closed := httptest.NewServer(nil)
	closed.Close()
	var offline *fetch.OfflineError
	require.ErrorAs(t, new(fetch.Getter).File(t.Context(), fetch.Source{URL: closed.URL + "/x"}, dst), &offline)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, new(fetch.Getter).File(ctx, good, dst), context.Canceled)
}

func TestWriteIsWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	g := fetch.Getter{}
	require.NoError(t, g.Write(path, 3, func(f *os.File) error { _, err := f.WriteString("old"); return err }))
	err := g.Write(path, 3, func(f *os.File) error {
		_, err := f.WriteString("ha")
		require.NoError(t, err)
		return &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	})
	var space *fetch.SpaceError
	require.ErrorAs(t, err, &space)
	require.EqualValues(t, 3, space.Need)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file stays")
}

func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := fetch.Lock(t.Context(), path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = fetch.Lock(ctx, path)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, release())
	release, err = fetch.Lock(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, release())
}
