package stacks_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/task"
	"stackbench/internal/telemetry"
	"stackbench/stacks"
	"stackbench/stacks/torchbase"
)

// bases are the folders that hold what stacks are built on.
func bases() []string { return []string{"base", "hub", "torchbase"} }

func TestEveryFolderIsInTheTable(t *testing.T) {
	table, err := os.ReadFile("stacks.go")
	require.NoError(t, err)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		if !e.IsDir() || slices.Contains(bases(), e.Name()) {
			continue
		}
		called := regexp.MustCompile(`(?m)^\t\t` + e.Name() + `\.[A-Z]\w*\(.*\),$`)
		require.Regexp(t, called, string(table), "stacks/%s is missing from the table in stacks.go: add a line", e.Name())
		require.True(t, documented(t, e.Name()), "stacks/%s does not say what it is: begin a file with // Package %s", e.Name(), e.Name())
	}
}

// documented says whether a package of this folder says what it is.
func documented(t *testing.T, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(name, "*.go"))
	require.NoError(t, err)
	return slices.ContainsFunc(files, func(path string) bool {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return strings.HasPrefix(string(text), "// Package "+name+" is ")
	})
}

func TestStacksAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range stacks.All() {
		require.Regexp(t, `^[a-z0-9._-]+$`, s.Name)
		require.NotRegexp(t, `-[0-9]+$`, s.Name, "benchstat would take the end of the name for GOMAXPROCS")
		require.False(t, seen[s.Name], "two stacks are called %s", s.Name)
		seen[s.Name] = true
		require.NotEmpty(t, s.Title, s.Name)
		require.NotEmpty(t, s.Licence, s.Name)
		require.NotEmpty(t, s.Complexity, s.Name)
		require.NotEmpty(t, s.Serves, s.Name)
		require.True(t, s.Unbatched == "" || seen[s.Unbatched], "%s is %s without batching, which is no stack above it", s.Name, s.Unbatched)
		require.True(t, s.Container != nil || s.Process != nil, "%s has no way to start", s.Name)
	}
}

// TestWhatStacksDeclareIsSpokenAndRead: a capability that nothing builds
// requests for would be found out when it is measured, and counters that nothing
// reads never.
func TestWhatStacksDeclareIsSpokenAndRead(t *testing.T) {
	for _, s := range stacks.All() {
		require.NoError(t, unheard(s))
	}
	bad := stacks.All()[0]
	bad.Telemetry = "smoke-signals"
	require.EqualError(t, unheard(bad), bad.Name+` tells "smoke-signals", which nothing reads: add a row to the readers of internal/telemetry`)
	bad = stacks.All()[0]
	bad.Serves = append(slices.Clone(bad.Serves), stack.Capability{Task: stack.Embeddings, Proto: stack.SSE, Input: stack.Text, Contract: stack.TGI})
	require.EqualError(t, unheard(bad), bad.Name+` serves "embeddings" by "text" over "sse" in the contract "tgi", of which there is no codec: add a row to those of internal/task`)
}

// unheard says what a stack declares that nothing here speaks or reads.
func unheard(s stack.Stack) error {
	for _, c := range s.Serves {
		if !task.HasCodec(c) {
			return fmt.Errorf("%s serves %q by %q over %q in the contract %q, of which there is no codec: add a row to those of internal/task", s.Name, c.Task, c.Input, c.Proto, c.Contract)
		}
	}
	if s.Telemetry != stack.Silent && !telemetry.HasReader(s.Telemetry) {
		return fmt.Errorf("%s tells %q, which nothing reads: add a row to the readers of internal/telemetry", s.Name, s.Telemetry)
	}
	return nil
}

// TestEveryStackSaysWhatItIs: a result of a stack that answers over HTTP names
// what computed it, by pages as the servers really give them.
func TestEveryStackSaysWhatItIs(t *testing.T) {
	pages := map[string]string{
		"/healthz":         `{"status":"ok","runtime":"onnxruntime 1.30.0"}`,
		"/v2":              `{"name":"triton","version":"2.51.0","extensions":["statistics"]}`,
		"/version":         `{"version":"0.32.0"}`,
		"/server_info":     `{"model_path":"m","internal_states":[{"version":"no"}],"version":"0.5.16"}`,
		"/info":            `{"model_id":"m","max_batch_requests":4,"version":"1.9.3","router":"r"}`,
		"/v1/openapi.json": `{"openapi":"3.1.0","info":{"title":"Infinity","version":"0.0.78"}}`,
		"/api-description": `{"openapi":"3.0.1","info":{"title":"TorchServe APIs","version":"0.12.0"}}`,
	}
	said := map[string]string{}
	for _, s := range stacks.All() {
		http := slices.ContainsFunc(s.Serves, func(c stack.Capability) bool { return c.Proto.HTTP() })
		if !http && s.Version == (stack.Version{}) {
			continue
		}
		require.NotEmpty(t, s.Version.Path, "%s answers over HTTP: say in Version where it tells what computes in it", s.Name)
		require.Contains(t, pages, s.Version.Path, "%s: add its page to this test", s.Name)
		said[s.Name] = s.Version.Read([]byte(pages[s.Version.Path]))
		require.NotEmpty(t, said[s.Name], s.Name)
	}
	require.Equal(t, "onnxruntime 1.30.0", said["embedded"])
	require.Equal(t, "triton 2.51.0", said["triton-vllm"])
	require.Equal(t, "text-embeddings-inference 1.9.3, at most 4 texts an execution", said["tei"])
	require.Equal(t, "text-generation-inference 1.9.3", said["tgi"])
	require.Equal(t, "vllm 0.32.0", said["vllm"])
	require.Equal(t, "sglang 0.5.16", said["sglang"])
	require.Equal(t, "infinity 0.0.78", said["infinity"])
	require.Equal(t, "torchserve 0.12.0", said["torchserve"])
	require.NotContains(t, said, "tei-grpc", "its Info is a message of its own")
}

// TestWhoMustBeAskedWhetherItIsReady: TorchServe answers before it has a worker.
func TestWhoMustBeAskedWhetherItIsReady(t *testing.T) {
	for _, s := range stacks.All() {
		if s.Ready == (stack.Ready{}) {
			require.NotEqual(t, "torchserve", s.Name)
			continue
		}
		require.Contains(t, s.Ready.Path, "{model}", s.Name)
		require.NotEmpty(t, s.Ready.What, s.Name)
		require.NoError(t, s.Ready.Read([]byte(`[{"modelName":"m","workers":[{"status":"READY"}]}]`)), s.Name)
		require.Error(t, s.Ready.Read([]byte(`[{"modelName":"m","workers":[{"status":"WORKER_ERROR"}]}]`)), s.Name)
	}
}

func TestImagesAndProcessesFindTheirFiles(t *testing.T) {
	for _, s := range stacks.All() {
		if s.Container != nil {
			require.Positive(t, s.Container.StartLimit, s.Name)
			_, err := regexp.Compile(s.Container.Telling)
			require.NoError(t, err, s.Name)
			for _, img := range s.Container.Images {
				requireBuildable(t, s.Name, img)
			}
		}
		if s.Process == nil || s.Process.Python == nil {
			continue
		}
		py := s.Process.Python
		for _, file := range append([]string{py.Module + "/__main__.py", py.Module + "/__init__.py"}, py.Requirements...) {
			_, err := fs.Stat(py.Source, file)
			require.NoError(t, err, s.Name)
		}
	}
}

func requireBuildable(t *testing.T, name string, img stack.Image) {
	t.Helper()
	require.NotEmpty(t, img.Ref, name)
	require.Positive(t, img.Bytes, "%s: say about how much disk %s takes beyond its base", name, img.Ref)
	if img.Build == nil {
		if img.Digest == "" { // what a tag gave is recorded with the result
			require.Regexp(t, `:[a-z-]*[0-9][a-z0-9._-]*$`, img.Ref, "%s pulls an image whose tag is no release", name)
		}
		return
	}
	file, err := fs.ReadFile(img.Build.Context, img.Build.Dockerfile)
	require.NoError(t, err, name)
	require.Contains(t, string(file), "ARG BASE", name)
	for _, m := range regexp.MustCompile(`(?m)^COPY (.+) \S+$`).FindAllStringSubmatch(string(file), -1) {
		for _, path := range strings.Fields(m[1]) {
			_, err := fs.Stat(img.Build.Context, path)
			if err != nil && img.Build.Shared != nil {
				_, err = fs.Stat(img.Build.Shared, path)
			}
			require.NoError(t, err, "%s: %s copies what its context lacks", name, img.Build.Dockerfile)
		}
	}
	if img.Build.Base != nil {
		requireBuildable(t, name, *img.Build.Base)
	}
}

// TestOneTorchForAll: on the torch base, a stack's own lock must find torch and
// all that it brought as it wants them, or pip would fetch gigabytes again.
func TestOneTorchForAll(t *testing.T) {
	base := pins(torchbase.Requirements)
	require.Contains(t, base, "torch")
	require.Contains(t, base, "torchvision")
	for _, s := range stacks.All() {
		if s.Process == nil || s.Process.Python == nil || !slices.Contains(s.Process.Python.Imports, "torch") {
			continue
		}
		lock := map[string]string{}
		for _, file := range s.Process.Python.Requirements {
			text, err := fs.ReadFile(s.Process.Python.Source, file)
			require.NoError(t, err)
			maps.Copy(lock, pins(string(text)))
		}
		for pkg, version := range base {
			require.Equal(t, version, lock[pkg], "%s and the torch base differ in %s: run stacks/fastapi/requirements/lock", s.Name, pkg)
		}
	}
}

func TestLocksHaveHashesAndNoHosts(t *testing.T) {
	var locks []string
	for _, pattern := range []string{"*/*.txt", "*/requirements/*.txt"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		locks = append(locks, found...)
	}
	require.NotEmpty(t, locks)
	for _, path := range locks {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(text), "://", path)
		require.NotContains(t, string(text), "--index", path)
		require.Equal(t, strings.Count(string(text), "=="), strings.Count(string(text), "== ")+len(pinned(string(text))), "%s pins in a way that this test cannot read", path)
		for _, block := range pinned(string(text)) {
			require.Contains(t, block, "--hash=sha256:", path)
		}
	}
}

// pinned gives the requirements of a lock, each with its hashes.
func pinned(lock string) []string {
	return regexp.MustCompile(`(?m)^[a-zA-Z0-9].*(\n {4}--hash=.*)*`).FindAllString(lock, -1)
}

// pins gives the versions of a lock by package; the marker is a part of the version.
func pins(lock string) map[string]string {
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([a-zA-Z0-9._-]+)(?:\[.*\])?==(.*?) \\$`).FindAllStringSubmatch(lock, -1) {
		out[m[1]] += m[2] + "\n"
	}
	return out
}

// Images that are built here run as nobody, also where they are started by hand.
func TestImagesOfOursRunAsNobody(t *testing.T) {
	for _, s := range stacks.All() {
		if s.Container == nil {
			continue
		}
		built := false
		for device, img := range s.Container.Images {
			if img.Build == nil {
				continue
			}
			built = true
			text, err := fs.ReadFile(img.Build.Context, img.Build.Dockerfile)
			require.NoError(t, err)
			require.Regexp(t, `(?m)^USER 65532:65532\nENTRYPOINT `, string(text), "%s on %s", s.Name, device)
		}
		require.True(t, built || len(s.Container.Writes) == 0, "%s: a makers' own image has a writable root", s.Name)
	}
}
