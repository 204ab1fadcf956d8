package ort

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

// cudaProvider lies beside a library that can compute on an NVIDIA GPU.
const cudaProvider = "libonnxruntime_providers_cuda.so"

// origin is one place from which the library is fetched; one of the three
// kinds of source is set.
type origin struct {
	name    string // for people and results
	release fetch.Source
	wheel   fetch.Wheel
	tarball fetch.Tarball
	library string   // pattern of its name in the archive
	beside  []string // patterns of what must lie beside it, kept under their own names
}

// record says what lies in the cache; it is written last.
type record struct {
	Version string            `json:"version"`
	Source  string            `json:"source"`
	SHA256  map[string]string `json:"sha256"` // by file
}

const recordFile = "library.json"

func (f *Finder) dir() string { return filepath.Join(f.Cache, "ort", string(f.Device)) }

// cached gives the library that an earlier run fetched, if it is whole.
func (f *Finder) cached() (Library, bool) {
	data, err := os.ReadFile(filepath.Join(f.dir(), recordFile))
	if err != nil {
		return Library{}, false
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil || len(r.SHA256) == 0 {
		return Library{}, false
	}
	for name, want := range r.SHA256 {
		if got, err := fetch.HashFile(filepath.Join(f.dir(), name)); err != nil || got != want {
			return Library{}, false
		}
	}
	path := filepath.Join(f.dir(), f.triple.file())
	version, err := f.usable(path)
	return Library{Path: path, Version: version, Source: r.Source}, err == nil
}

// fetched tries the origins in order.
func (f *Finder) fetched(ctx context.Context) (Library, error) {
	var missed []string
	for _, o := range f.origins {
		lib, err := f.from(ctx, o)
		if err == nil {
			return lib, nil
		}
		var space *fetch.SpaceError
		if ctx.Err() != nil || errors.As(err, &space) {
			return Library{}, fmt.Errorf("fetch ONNX Runtime: %w", err)
		}
		line, _, _ := strings.Cut(err.Error(), "\n")
		missed = append(missed, o.name+": "+line)
	}
	if len(missed) == 0 {
		missed = []string{fmt.Sprintf("none is known for %s on %s/%s", f.Device, f.triple.os, f.triple.arch)}
	}
	return Library{}, fmt.Errorf("no ONNX Runtime library: %s\nconnect to the network, or set STACKBENCH_ORT_LIB to the library of a release from 1.%d on (https://github.com/microsoft/onnxruntime/releases)",
		strings.Join(missed, "; "), oldest)
}

// from fetches an archive, takes out what is needed, and removes the archive.
func (f *Finder) from(ctx context.Context, o origin) (Library, error) {
	dir := f.dir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Library{}, err
	}
	if err := os.Remove(filepath.Join(dir, recordFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Library{}, err
	}
	archive, err := f.archive(ctx, o)
	if err != nil {
		return Library{}, err
	}
	r := record{Source: o.name, SHA256: map[string]string{}}
	for i, pattern := range append([]string{o.library}, o.beside...) {
		name := path.Base(pattern)
		if i == 0 {
			name = f.triple.file()
		}
		dst := filepath.Join(dir, name)
		if err := f.Getter.Member(ctx, archive, pattern, dst); err != nil {
			return Library{}, err
		}
		if r.SHA256[name], err = fetch.HashFile(dst); err != nil {
			return Library{}, err
		}
	}
	lib := Library{Path: filepath.Join(dir, f.triple.file()), Source: o.name}
	if lib.Version, err = f.usable(lib.Path); err != nil {
		return Library{}, err
	}
	r.Version = lib.Version
	if err := f.write(r); err != nil {
		return Library{}, err
	}
	return lib, os.Remove(archive)
}

func (f *Finder) write(r record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return f.Getter.Write(filepath.Join(f.dir(), recordFile), int64(len(data)), func(file *os.File) error {
		_, err := file.Write(append(data, '\n'))
		return err
	})
}

func (f *Finder) archive(ctx context.Context, o origin) (string, error) {
	dir := filepath.Join(f.Cache, "downloads")
	switch {
	case o.release.URL != "":
		dst := filepath.Join(dir, o.release.Name())
		return dst, f.Getter.File(ctx, o.release, dst)
	case o.wheel.Name != "":
		return f.Getter.Wheel(ctx, o.wheel, dir)
	}
	return f.Getter.Tarball(ctx, o.tarball, dir)
}

// origins lists, in order, what is pinned for a platform and a device. All are
// of one release, the one that the FastAPI images lock too, so that stacks do
// not differ by their runtime. It is the newest whose archives' hashes could be
// checked against several public records.
func origins(p platform, device stack.Device) []origin {
	const base = "https://github.com/microsoft/onnxruntime/releases/download/v1.30.0/"
	release := func(file, sha string, size int64, inside string) origin {
		return origin{name: "release 1.30.0", release: fetch.Source{URL: base + file, SHA256: sha, Size: size}, library: inside}
	}
	wheel := func(tag, sha string, size int64, inside string) origin {
		return origin{name: "pip onnxruntime 1.30.0", library: "onnxruntime/capi/" + inside, wheel: fetch.Wheel{
			Name: "onnxruntime", Version: "1.30.0", SHA256: sha, Size: size,
			Platform: []string{"--platform", tag, "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"},
		}}
	}
	npm := func(inside string) origin {
		return origin{name: "npm onnxruntime-node 1.30.0", library: "package/bin/napi-v6/" + inside, tarball: fetch.Tarball{
			Name: "onnxruntime-node", Version: "1.30.0", Size: 113_507_888,
			SHA256: "6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75",
		}}
	}
	switch (platform{p.os + " " + string(device), p.arch}) {
	case platform{"linux cpu", "amd64"}:
		return []origin{
			release("onnxruntime-linux-x64-1.30.0.tgz", "a5ed5a3cac51fbb2e90da632ae43d19212faaa20e76484e62bcb7c23ddb3b3fd", 11_306_877, "*/lib/libonnxruntime.so.1.30.0"),
			wheel("manylinux_2_28_x86_64", "fd54b314ea385bcecac69ab431f020ba503e3878dad4ebb645fec5a24b041242", 23_561_046, "libonnxruntime.so.1.30.0"),
			npm("linux/x64/libonnxruntime.so.1"),
		}
	case platform{"linux cpu", "arm64"}:
		return []origin{
			release("onnxruntime-linux-aarch64-1.30.0.tgz", "e16a27a8ed330bbc698df7330b0cf56e722f354e3bcc92118682c74ef3c3e3da", 10_269_495, "*/lib/libonnxruntime.so.1.30.0"),
			wheel("manylinux_2_28_aarch64", "bac3aee7b40acd805659fd81a2acd6096312d5b0f014c97ddfe75fb4c1644627", 21_332_697, "libonnxruntime.so.1.30.0"),
			npm("linux/arm64/libonnxruntime.so.1"),
		}
	case platform{"darwin cpu", "arm64"}:
		return []origin{
			release("onnxruntime-osx-arm64-1.30.0.tgz", "6ebb5062a934537c352937821f9fe9718e7de1a2db1122a93dd363ffd53a7012", 42_373_116, "*/lib/libonnxruntime.1.30.0.dylib"),
			wheel("macosx_14_0_arm64", "f36c87ec504f4f328e968ee322e4ba9682abe66280b3425625afcbed5333fed7", 21_533_037, "libonnxruntime.1.30.0.dylib"),
			npm("darwin/arm64/libonnxruntime.1.30.0.dylib"),
		}
	case platform{"linux gpu", "amd64"}:
		cuda := release("onnxruntime-linux-x64-gpu_cuda12-1.30.0.tgz", "f9886932ee7bb0b4d3fcab736a392d4ff5efaa0672b47f19f0cec03437cf64f1", 0, "*/lib/libonnxruntime.so.1.30.0")
		cuda.name += " for CUDA 12"
		cuda.beside = []string{"*/lib/libonnxruntime_providers_shared.so", "*/lib/" + cudaProvider}
		return []origin{cuda}
	}
	return nil
}
