package boot

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"stackbench/internal/fetch"
)

// prepareProgram makes what the stack needs to run as a process: a Go program
// or a Python environment. What is there already is used.
func prepareProgram(ctx context.Context, s Spec, progress io.Writer) (program, error) {
	p := s.Stack.Process
	if p.Go != "" {
		path, err := goProgram(ctx, s, progress)
		return program{path: path}, err
	}
	return pythonProgram(ctx, s, progress)
}

// goProgram finds the stack's binary: the one that STACKBENCH_BIN_<STACK>
// names, else one of the stack's name beside this executable (test binaries
// carried to a machine without Go), else built into the cache.
func goProgram(ctx context.Context, s Spec, progress io.Writer) (string, error) {
	name, key := s.Stack.Name, variable("BIN", s.Stack.Name)
	if path := os.Getenv(key); path != "" {
		if err := executable(path); err != nil {
			return "", &Failure{
				What: fmt.Sprintf("start %s: %s=%s: %v", name, key, path, err),
				Cure: "point " + key + " at the built program, or unset it so that it is built",
				Err:  err,
			}
		}
		return path, nil
	}
	if exe, err := os.Executable(); err == nil {
		if path := filepath.Join(filepath.Dir(exe), name); path != exe && executable(path) == nil {
			return path, nil
		}
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", &Unavailable{
			Reason: name + " as a process needs Go to be built, and there is no go on PATH",
			Cure:   "install Go, or set " + key + " to a built program",
			Err:    err,
		}
	}
	path := filepath.Join(s.Cache, "bin", name)
	unlock, err := lock(ctx, s.Cache, "bin-"+name)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	defer unlock()
	// Go's own cache knows what has changed, so this is cheap when nothing has.
	return path, step(ctx, progress, "build "+name, exec.CommandContext(ctx, tool, "build", "-o", path, s.Stack.Process.Go))
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("there is no such file")
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("it is not an executable file")
	}
	return nil
}

// step runs one command of a preparation. Its output goes to progress, and its
// last lines into the error.
func step(ctx context.Context, progress io.Writer, what string, cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, progress)
	cmd.Stderr = cmd.Stdout
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	f := &Failure{What: fmt.Sprintf("%s: %s failed (%v)", what, filepath.Base(cmd.Path), err), Log: lastLines(out.String(), 12), Err: err}
	f.Cure = cureFor(out.String(), "read the lines below; run it again once the cause is gone: what is done already is kept")
	return f
}

const (
	cureVenv = "this Python cannot make virtual environments: install its venv package (Debian: apt install python3-venv)"
	cureCgo  = "cgo is off, and ONNX Runtime is called through C: go env -u CGO_ENABLED, or unset CGO_ENABLED"
)

// cureFor recognises the usual causes in the output of builders.
func cureFor(output, otherwise string) string {
	lower := strings.Join(strings.Fields(strings.ToLower(output)), " ") // sentences are broken over lines
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(lower, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("no space left on device", "disk quota exceeded"):
		return "the disk is full: free some space (docker system prune, another STACKBENCH_CACHE) and run it again"
	case has("do not match the hashes"):
		return "a package differs from the locked one: check the package index in use, then lock the requirements again"
	case has("build constraints exclude all go files"):
		return cureCgo
	case has("ensurepip is not available", "no module named venv", "no module named ensurepip"):
		return cureVenv
	case has("temporary failure in name resolution", "temporary failure resolving", "could not resolve host", "no such host",
		"network is unreachable", "connection timed out", "failed to establish a new connection"):
		return "no network to where packages come from: connect, or set a proxy or mirror, and run it again"
	case has("permission denied"):
		return "make the cache folder writable, or set STACKBENCH_CACHE to one that is"
	}
	return otherwise
}

// lock holds a file under the cache exclusively among processes, so that two
// runs do not prepare the same thing at once. It waits for as long as ctx lets
// it; the kernel lets go of the file when this process ends.
func lock(ctx context.Context, cache, name string) (unlock func(), err error) {
	release, err := fetch.Lock(ctx, filepath.Join(cache, "lock", name))
	if err != nil {
		return nil, err
	}
	return func() { _ = release() }, nil
}
