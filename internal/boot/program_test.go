package boot

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestGoProgramIsBuilt(t *testing.T) {
	t.Setenv(helperVariable, "")
	s := processSpec(t, "ok")
	srv := start(t, s)
	require.FileExists(t, filepath.Join(s.Cache, "bin", "helper"))
	require.NoError(t, srv.Alive())

	s.Stack.Process.Go = "stackbench/internal/boot/testdata/absent"
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Contains(t, f.What, "build helper: go failed")
	require.NotEmpty(t, f.Log)

	t.Setenv("PATH", t.TempDir())
	_, err = Start(t.Context(), s)
	var skip *Unavailable
	require.ErrorAs(t, err, &skip)
	require.Equal(t, "helper as a process needs Go to be built, and there is no go on PATH", skip.Reason)

	t.Setenv(helperVariable, filepath.Join(s.Cache, "no such"))
	_, err = Start(t.Context(), s)
	require.Contains(t, failure(t, err).What, "there is no such file")
	t.Setenv(helperVariable, s.Cache)
	_, err = Start(t.Context(), s)
	require.Contains(t, failure(t, err).What, "it is not an executable file")
}

func TestProgramThatCannotRun(t *testing.T) {
	s := processSpec(t, "ok")
	bad := filepath.Join(t.TempDir(), "bad")
	require.NoError(t, os.WriteFile(bad, []byte("not a program"), 0o755))
	t.Setenv(helperVariable, bad)
	_, err := Start(t.Context(), s)
	require.Equal(t, "start helper: "+bad+" cannot be run: exec format error", failure(t, err).What)
}

func TestStep(t *testing.T) {
	var out bytes.Buffer
	err := step(t.Context(), &out, "build x", exec.CommandContext(t.Context(), "/bin/sh", "-c", "echo one; echo two >&2; exit 4"))
	f := failure(t, err)
	require.Equal(t, "build x: sh failed (exit status 4)", f.What)
	require.Equal(t, "one\ntwo", f.Log)
	require.Equal(t, "one\ntwo\n", out.String())

	err = step(t.Context(), io.Discard, "build x", exec.CommandContext(t.Context(), "/bin/sh", "-c", "echo 'OSError: [Errno 28] No space left on device'; exit 1"))
	require.Contains(t, failure(t, err).Cure, "the disk is full")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = step(ctx, io.Discard, "build x", exec.CommandContext(ctx, "/bin/sh", "-c", "read x"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestCures(t *testing.T) {
	for text, cure := range map[string]string{
		"The virtual environment was not created successfully because ensurepip is not available.":                                                                  "venv package",
		"The virtual environment was not created successfully because ensurepip is not\navailable.  On Debian/Ubuntu systems, you need to install the python3-venv": "venv package",
		"imports stackbench/stacks/embedded: build constraints exclude all Go files in /x":                                                                          "unset CGO_ENABLED",
		"ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.":                                                                                 "differs from the locked one",
		"Failed to establish a new connection: [Errno -2] Name or service not known":                                                                                "no network",
		"OSError: [Errno 13] Permission denied: '/cache/venv'":                                                                                                      "writable",
		"write x: disk quota exceeded": "the disk is full",
		"else":                         "otherwise",
	} {
		require.Contains(t, cureFor(text, "otherwise"), cure, text)
	}
}

// pythonStack serves with the standard library and a package that must be
// installed, told by its greeting.
func pythonStack(requirements string) stack.Stack {
	const server = `
import http.server, sys
try:
    import stackbench_greeting
    word = stackbench_greeting.WORD
except ImportError:
    word = "41"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(word.encode())
    def log_message(self, *args): pass
host, port = sys.argv[1].rsplit(":", 1)
print("interpreter", sys.executable)
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
`
	return stack.Stack{
		Name:   "py-helper",
		Serves: []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text}},
		Process: &stack.Process{
			Python: &stack.Python{
				Source:       fstest.MapFS{"tinyserver/__main__.py": {Data: []byte(server)}, "tinyserver/__init__.py": {}, "requirements.txt": {Data: []byte(requirements)}},
				Module:       "tinyserver",
				Requirements: []string{"requirements.txt"},
				Imports:      []string{"http.server", "stackbench_greeting"},
			},
			Args:       func(r stack.Run) []string { return []string{r.Listen.REST} },
			StartLimit: time.Minute,
		},
	}
}

// wheel makes a package that only this test has, and the line that locks it.
func wheel(t *testing.T) (requirements string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{
		"stackbench_greeting.py":                     "WORD = \"42\"\n",
		"stackbench_greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: stackbench-greeting\nVersion: 1.0\n",
		"stackbench_greeting-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"stackbench_greeting-1.0.dist-info/RECORD":   "",
	} {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(w, content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stackbench_greeting-1.0-py3-none-any.whl"), b.Bytes(), 0o644))
	return fmt.Sprintf("--no-index\n--find-links %s\nstackbench-greeting==1.0 --hash=sha256:%x\n", dir, sha256.Sum256(b.Bytes()))
}

func pythonHere(t *testing.T) {
	t.Helper()
	if _, err := interpreter(t.Context(), "test", ""); err != nil {
		t.Skip(firstLine(err.Error()))
	}
}

func TestPythonEnvironment(t *testing.T) {
	pythonHere(t)
	t.Setenv("STACKBENCH_PYTHON", "")
	lock := wheel(t)
	s := Spec{Stack: pythonStack(lock), Launcher: Process, Cache: t.TempDir(), Ready: correct}
	var log strings.Builder
	require.NoError(t, Prepare(t.Context(), s, &log))
	require.Contains(t, log.String(), "Successfully installed stackbench-greeting-1.0")
	srv := start(t, s)
	use := filepath.Join(s.Cache, "venv/py-helper/bin/python")
	require.Contains(t, srv.Log(), "interpreter "+use)

	log.Reset()
	require.NoError(t, Prepare(t.Context(), s, &log))
	require.Empty(t, log.String(), "it is there already")

	// An interpreter that has everything is used as it is, from an empty cache.
	t.Setenv("STACKBENCH_PYTHON", wrapper(t, srv))
	bare := s
	bare.Cache = t.TempDir()
	start(t, bare)
	require.NoDirExists(t, filepath.Join(bare.Cache, "venv"))
	t.Setenv("STACKBENCH_PYTHON", "")

	// A half-made one is made again.
	require.NoError(t, os.Remove(filepath.Join(s.Cache, "venv/py-helper", readyMark)))
	s.Stack = pythonStack(strings.Replace(lock, "sha256:", "sha256:00", 1))
	err := Prepare(t.Context(), s, io.Discard)
	f := failure(t, err)
	require.Contains(t, f.What, "prepare py-helper: python failed")
	require.NotEmpty(t, f.Log)
}

// wrapper copies the way into the environment that srv runs in.
func wrapper(t *testing.T, srv *Server) string {
	t.Helper()
	_, after, ok := strings.Cut(srv.Log(), "interpreter ")
	require.True(t, ok)
	path := filepath.Join(t.TempDir(), "python-with-all")
	script := fmt.Sprintf("#!/bin/sh\nexec %q \"$@\"\n", firstLine(after))
	require.NoError(t, os.WriteFile(path, []byte(script), 0o755))
	return path
}

func TestInterpreter(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s := Spec{Stack: pythonStack(""), Launcher: Process, Cache: t.TempDir(), Ready: correct}
	_, err := Start(t.Context(), s)
	var skip *Unavailable
	require.ErrorAs(t, err, &skip)
	require.Contains(t, skip.Reason, "py-helper as a process needs Python 3.11 or later")

	old := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(old, []byte("#!/bin/sh\necho 3.9 '3.9.2 (default)'\n"), 0o755))
	t.Setenv("STACKBENCH_PYTHON", old)
	_, err = Start(t.Context(), s)
	require.Equal(t, "start py-helper: STACKBENCH_PYTHON="+old+": it is Python 3.9", failure(t, err).What)
}

func TestLockIsExclusive(t *testing.T) {
	cache := t.TempDir()
	unlock, err := lock(t.Context(), cache, "x")
	require.NoError(t, err)
	f, err := os.Open(filepath.Join(cache, "lock", "x"))
	require.NoError(t, err)
	defer f.Close()
	require.ErrorIs(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
	unlock()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	s := processSpec(t, "ok")
	file := filepath.Join(s.Cache, "file")
	write(t, file, "")
	s.Cache = filepath.Join(file, "below")
	_, err := Start(t.Context(), s)
	require.ErrorContains(t, err, "start helper: ")
	require.True(t, errors.Is(err, os.ErrExist) || strings.Contains(err.Error(), "not a directory"), err)
}
