package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Wheel is a pinned Python package.
type Wheel struct {
	Name, Version string
	SHA256        string   // of the wheel file
	Size          int64    // bytes
	Platform      []string // pip's options that select a wheel other than the interpreter's own; nil for pure ones
}

// Wheel downloads a Python package with pip, which checks its hash, and gives
// the path of the wheel in dir. One that is there already is not fetched again.
func (g *Getter) Wheel(ctx context.Context, w Wheel, dir string) (string, error) {
	if path, ok := find(dir, "*.whl", w.SHA256); ok {
		return path, nil
	}
	spec := fmt.Sprintf("%s==%s", w.Name, w.Version)
	err := g.inside(dir, spec, w.Size, func(tmp string) error {
		list := filepath.Join(tmp, "requirements.txt")
		if err := os.WriteFile(list, fmt.Appendf(nil, "%s --hash=sha256:%s\n", spec, w.SHA256), 0o644); err != nil {
			return err
		}
		args := []string{"-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir",
			"--timeout", "15", "--retries", "1", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", tmp, "--requirement", list}
		return g.run(ctx, tmp, first(g.Python, "python3"), append(args, w.Platform...)...)
	})
	if err != nil {
		return "", fmt.Errorf("pip download %s: %w", spec, err)
	}
	path, ok := find(dir, "*.whl", w.SHA256)
	if !ok {
		return "", fmt.Errorf("pip download %s: no wheel with sha256 %.12s… came", spec, w.SHA256)
	}
	return path, nil
}

// Tarball is a pinned npm package.
type Tarball struct {
	Name, Version string
	SHA256        string // of the .tgz file
	Size          int64  // bytes
}

// Tarball downloads an npm package with npm and checks it; it gives the path of
// the .tgz file in dir. One that is there already is not fetched again.
func (g *Getter) Tarball(ctx context.Context, t Tarball, dir string) (string, error) {
	if path, ok := find(dir, "*.tgz", t.SHA256); ok {
		return path, nil
	}
	spec := fmt.Sprintf("%s@%s", t.Name, t.Version)
	err := g.inside(dir, spec, t.Size, func(tmp string) error {
		return g.run(ctx, tmp, first(g.NPM, "npm"), "pack", spec, "--silent", "--ignore-scripts",
			"--fetch-retries=1", "--fetch-timeout=60000", "--cache", filepath.Join(tmp, "cache"), "--pack-destination", tmp)
	})
	if err != nil {
		return "", fmt.Errorf("npm pack %s: %w", spec, err)
	}
	path, ok := find(dir, "*.tgz", t.SHA256)
	if !ok {
		return "", fmt.Errorf("npm pack %s: no package with sha256 %.12s… came", spec, t.SHA256)
	}
	return path, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// find looks in dir for a file of that hash.
func find(dir, pattern, sha string) (string, bool) {
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return "", false
	}
	for _, p := range paths {
		if got, err := HashFile(p); err == nil && got == sha {
			return p, true
		}
	}
	return "", false
}

// inside runs a package client in a new folder of dir, so that nothing half
// done is ever found, and moves the packages that it leaves into dir.
func (g *Getter) inside(dir, name string, total int64, client func(tmp string) error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := g.Room(dir, 2*total); err != nil { // the client's own copy, and the result
		return err
	}
	tmp, err := os.MkdirTemp(dir, ".client-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	stop := g.watch(tmp, name, total)
	err = client(tmp)
	stop(err == nil)
	if err != nil {
		return g.full(dir, total, err)
	}
	for _, pattern := range []string{"*.whl", "*.tgz"} {
		paths, err := filepath.Glob(filepath.Join(tmp, pattern))
		if err != nil {
			return err
		}
		for _, p := range paths {
			if err := os.Rename(p, filepath.Join(dir, filepath.Base(p))); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch reports the bytes that lie in dir until it is stopped: package clients
// show their progress to terminals only.
func (g *Getter) watch(dir, name string, total int64) (stop func(complete bool)) {
	step, end, ended := g.steps(name, total), make(chan bool), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(200 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case complete := <-end:
				if complete {
					step(total)
				}
				return
			case <-t.C:
				step(min(bytesIn(dir), total-1))
			}
		}
	}()
	return func(complete bool) { end <- complete; <-ended }
}

func bytesIn(dir string) int64 {
	var sum int64
	// Files come and go while the client works: what cannot be read counts nothing.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, ierr := d.Info(); ierr == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// run starts a client; its temporary files go to tmp. The error is its last
// line about an error, not its whole output.
func (g *Getter) run(ctx context.Context, tmp, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("no %s on this machine", name)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastError(out.String()))
	}
	return nil
}

// lastError picks the line that says most: the last that has "error" in it,
// else the last.
func lastError(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(strings.ToLower(lines[i]), "error") {
			return strings.TrimSpace(lines[i])
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
