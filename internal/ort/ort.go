// Package ort finds ONNX Runtime's shared library: where the user says, on the
// system, in the cache, or fetched into it, from the official release or out of
// a package. It never runs what it finds: the version is read from the file.
package ort

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

// Library is a shared library that can be loaded here.
type Library struct {
	Path    string // of the file
	Version string // such as 1.32.0
	Source  string // STACKBENCH_ORT_LIB, system, or what it was fetched from
}

func (l Library) String() string { return fmt.Sprintf("ONNX Runtime %s (%s)", l.Version, l.Source) }

// Finder looks for the library.
type Finder struct {
	Cache  string       // of this program; the library goes to ort/<device> below it
	Device stack.Device // a library for GPU has the CUDA provider beside it
	Given  string       // file or folder that the user named; "" means none
	System []string     // folders in which the system keeps libraries
	Getter fetch.Getter

	origins []origin
	triple  platform
}

// platform is what a library must be built for.
type platform struct{ os, arch string }

// New is a finder for this machine: Given is STACKBENCH_ORT_LIB, and
// STACKBENCH_PYTHON names the interpreter whose pip fetches packages.
func New(cache string, device stack.Device) *Finder {
	here := platform{runtime.GOOS, runtime.GOARCH}
	return &Finder{
		Cache: cache, Device: device, Given: os.Getenv("STACKBENCH_ORT_LIB"), System: systemDirs(here),
		Getter: fetch.Getter{Python: os.Getenv("STACKBENCH_PYTHON")}, origins: origins(here, device), triple: here,
	}
}

// Find gives the first library of the order above, and fetches one if there is
// none. A library that the user named is used or refused, never passed over.
func (f *Finder) Find(ctx context.Context) (Library, error) {
	if f.Given != "" {
		return f.given()
	}
	if lib, ok := f.system(); ok {
		return lib, nil
	}
	release, err := fetch.Lock(ctx, filepath.Join(f.Cache, "ort", "."+string(f.Device)+".lock"))
	if err != nil {
		return Library{}, fmt.Errorf("find ONNX Runtime: %w", err)
	}
	lib, ok := f.cached()
	if !ok {
		lib, err = f.fetched(ctx)
	}
	return lib, errors.Join(err, release())
}

func (f *Finder) given() (Library, error) {
	path := f.Given
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		best, ok := f.newest([]string{path})
		if !ok {
			return Library{}, fmt.Errorf("STACKBENCH_ORT_LIB: no %s of 1.%d or newer for %s/%s in %s\n%s", f.triple.pattern(), oldest, f.triple.os, f.triple.arch, path, cureGiven)
		}
		best.Source = "STACKBENCH_ORT_LIB"
		return best, nil
	}
	version, err := f.usable(path)
	if err != nil {
		return Library{}, fmt.Errorf("STACKBENCH_ORT_LIB: %w\n%s", err, cureGiven)
	}
	return Library{Path: path, Version: version, Source: "STACKBENCH_ORT_LIB"}, nil
}

const cureGiven = "name the file libonnxruntime.so of a newer release there, or unset it to have one fetched"

func (f *Finder) system() (Library, bool) {
	lib, ok := f.newest(f.System)
	lib.Source = "system"
	return lib, ok
}

// newest gives the usable library with the highest version in some folders.
func (f *Finder) newest(dirs []string) (best Library, ok bool) {
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(dir, f.triple.pattern()))
		if err != nil {
			continue
		}
		for _, p := range paths {
			version, err := f.usable(p)
			if err == nil && (!ok || newer(version, best.Version)) {
				best, ok = Library{Path: p, Version: version}, true
			}
		}
	}
	return best, ok
}

// usable gives the version of a library, or says why it cannot be loaded here.
func (f *Finder) usable(path string) (string, error) {
	version, err := readVersion(path, f.triple)
	if err != nil {
		return "", err
	}
	if !recent(version) {
		return "", fmt.Errorf("ONNX Runtime %s in %s is too old: 1.%d or newer is needed", version, path, oldest)
	}
	if f.Device == stack.GPU {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), cudaProvider)); err != nil {
			return "", fmt.Errorf("ONNX Runtime %s in %s has no CUDA provider (%s) beside it", version, path, cudaProvider)
		}
	}
	return version, nil
}

// pattern matches the library's file names.
func (p platform) pattern() string {
	if p.os == "darwin" {
		return "libonnxruntime.*dylib"
	}
	return "libonnxruntime.so*"
}

// file is the name under which the library is cached.
func (p platform) file() string {
	if p.os == "darwin" {
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so"
}

// systemDirs lists where a system keeps libraries: the loader's own list first.
func systemDirs(p platform) []string {
	dirs := append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/lib", "/opt/onnxruntime/lib", "/usr/local/onnxruntime/lib")
	if p.os == "darwin" {
		return append(filepath.SplitList(os.Getenv("DYLD_LIBRARY_PATH")), "/opt/homebrew/lib", "/usr/local/lib")
	}
	dirs = append(dirs, "/usr/lib64", "/usr/lib/"+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[p.arch]+"-linux-gnu")
	files, err := filepath.Glob("/etc/ld.so.conf.d/*.conf")
	if err != nil {
		return dirs
	}
	for _, file := range append(files, "/etc/ld.so.conf") {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // what the loader's list lacks is not on the system
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
				dirs = append(dirs, line)
			}
		}
	}
	return dirs
}
