package torchserve_test

import (
	"archive/zip"
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/torchbase"
	"stackbench/stacks/torchserve"
)

var update = flag.Bool("update", false, "write the golden files anew")

func run() stack.Run {
	return stack.Run{
		Models: "/models", Files: "/repository", Model: stack.Model{Name: "efficientnet-lite0"}, Device: stack.CPU, Threads: 2,
		Batch:  stack.Batching{Max: 16, Delay: 5 * time.Millisecond},
		Listen: stack.Endpoint{REST: "0.0.0.0:8080", GRPC: "0.0.0.0:7070", Metrics: "0.0.0.0:8082"},
	}
}

func container() *stack.Container {
	return torchserve.Stack(torchbase.Image(), fstest.MapFS{}).Container
}

func files(t *testing.T, r stack.Run) map[string][]byte {
	t.Helper()
	f, err := container().Files(r)
	require.NoError(t, err)
	require.Empty(t, f.Links)
	return f.Content
}

// unpack gives the archive's entries in their order.
func unpack(t *testing.T, mar []byte) (names []string, content map[string]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(mar), int64(len(mar)))
	require.NoError(t, err)
	content = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		names, content[f.Name] = append(names, f.Name), string(b)
	}
	return names, content
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "if it is meant: go test ./stacks/torchserve -update")
}

func TestSettings(t *testing.T) {
	content := files(t, run())
	golden(t, "config.properties", content["config.properties"])
	_, entries := unpack(t, content["store/efficientnet-lite0.mar"])
	golden(t, "model-config.yaml", []byte(entries["model-config.yaml"]))
	golden(t, "MANIFEST.json", []byte(entries["MAR-INF/MANIFEST.json"]))
}

func TestWithoutBatcherOneRequestIsOneExecution(t *testing.T) {
	for _, most := range []int{0, 1} {
		r := run()
		r.Batch = stack.Batching{Max: most}
		_, entries := unpack(t, files(t, r)["store/efficientnet-lite0.mar"])
		require.Contains(t, entries["model-config.yaml"], "\nbatchSize: 1\n")
	}
}

func TestDelaysThatTorchServeCannotKeep(t *testing.T) {
	for _, delay := range []time.Duration{0, 500 * time.Microsecond, 2500 * time.Microsecond} {
		r := run()
		r.Batch.Delay = delay
		_, err := container().Files(r)
		require.ErrorContains(t, err, "a delay of "+delay.String()+" for a batch: TorchServe's maxBatchDelay is whole milliseconds from 1")
	}
}

// TestTheSameRunGivesTheSameArchive, whose handler is the one beside this file.
func TestTheSameRunGivesTheSameArchive(t *testing.T) {
	mar := files(t, run())["store/efficientnet-lite0.mar"]
	require.Equal(t, mar, files(t, run())["store/efficientnet-lite0.mar"])
	names, content := unpack(t, mar)
	want := []string{"MAR-INF/MANIFEST.json", "model-config.yaml"}
	found, err := filepath.Glob("handler/*.py")
	require.NoError(t, err)
	for _, path := range found {
		code, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(code), content[filepath.Base(path)])
		want = append(want, filepath.Base(path))
	}
	require.Equal(t, want, names)
}

func TestArguments(t *testing.T) {
	c, content := container(), files(t, run())
	args := c.Args(run())
	require.Equal(t, []string{
		"--ts-config", "/repository/config.properties", "--log-config", "/repository/log4j2.xml", "--model-store", "/repository/store",
	}, args)
	require.Contains(t, content, "config.properties")
	require.Contains(t, content, "log4j2.xml")
	require.Contains(t, content, "metrics.yaml")
	require.Contains(t, c.Env(run()), "OMP_NUM_THREADS=2")
}

// TestEveryCounterOfTheHandlerIsDeclared: TorchServe drops what metrics.yaml
// does not name, without a word that anybody would see.
func TestEveryCounterOfTheHandlerIsDeclared(t *testing.T) {
	code, err := os.ReadFile("handler/counters.py")
	require.NoError(t, err)
	declared := string(files(t, run())["metrics.yaml"])
	names := regexp.MustCompile(`"stackbench_\w+"`).FindAllString(string(code), -1)
	require.Len(t, names, 2)
	for _, name := range append(names, `"stackbench_preprocess_ms"`, `"stackbench_compute_ms"`, `"stackbench_postprocess_ms"`) {
		require.Contains(t, declared, "- name: "+name[1:len(name)-1]+"\n")
	}
}

// TestTheLockFitsTheBase: pip must find torch's companions as the base has them.
func TestTheLockFitsTheBase(t *testing.T) {
	lock, err := os.ReadFile("requirements/server.txt")
	require.NoError(t, err)
	pin := regexp.MustCompile(`(?m)^([a-z0-9-]+)==(\S+)`)
	base := map[string]string{}
	for _, m := range pin.FindAllStringSubmatch(torchbase.Requirements, -1) {
		base[m[1]] = m[2]
	}
	pins := pin.FindAllStringSubmatch(string(lock), -1)
	require.NotEmpty(t, pins)
	for _, m := range pins {
		if have, ok := base[m[1]]; ok {
			require.Equal(t, have, m[2], "%s: run stacks/torchserve/requirements/lock", m[1])
		}
	}
}
