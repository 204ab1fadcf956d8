package torchserve_test

import (
	"archive/zip"
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/torchserve"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func run(batch stack.Batching) stack.Run {
	return stack.Run{
		Models: "/models", Files: "/repository", Model: stack.Model{Name: "resnet50"}, Device: stack.CPU, Threads: 2, Batch: batch,
		Listen: stack.Endpoint{REST: "0.0.0.0:8080", GRPC: "0.0.0.0:7070", Metrics: "0.0.0.0:8082"},
	}
}

// unpack gives a model archive's files.
func unpack(t *testing.T, mar []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(mar), int64(len(mar)))
	require.NoError(t, err)
	out := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(in)
		require.NoError(t, err)
		out[f.Name] = string(text)
	}
	return out
}

func TestFiles(t *testing.T) {
	c := torchserve.Stack(stack.Image{Ref: "torch"}, fstest.MapFS{}).Container
	files, err := c.Files(run(stack.Batching{Max: 8, Delay: 10 * time.Millisecond}))
	require.NoError(t, err)
	golden(t, "config.properties", files.Content["config.properties"])
	require.NotEmpty(t, files.Content["metrics.yaml"])
	mar := unpack(t, files.Content["store/resnet50.mar"])
	golden(t, "MANIFEST.json", []byte(mar["MAR-INF/MANIFEST.json"]))
	golden(t, "model-config.yaml", []byte(mar["model-config.yaml"]))
	handler, err := os.ReadFile("handler.py")
	require.NoError(t, err)
	require.Equal(t, string(handler), mar["handler.py"])

	again, err := c.Files(run(stack.Batching{Max: 8, Delay: 10 * time.Millisecond}))
	require.NoError(t, err)
	require.Equal(t, files, again, "the same to the byte")
}

func TestBatching(t *testing.T) {
	c := torchserve.Stack(stack.Image{Ref: "torch"}, fstest.MapFS{}).Container
	for want, b := range map[string]stack.Batching{
		"batchSize: 1\nmaxBatchDelay: 1\n":  {},
		"batchSize: 16\nmaxBatchDelay: 1\n": {Max: 16},
		"batchSize: 16\nmaxBatchDelay: 5\n": {Max: 16, Delay: 5 * time.Millisecond},
	} {
		files, err := c.Files(run(b))
		require.NoError(t, err)
		require.Contains(t, unpack(t, files.Content["store/resnet50.mar"])["model-config.yaml"], want)
	}
}

func TestItSaysThatItIsNotMaintained(t *testing.T) {
	require.Contains(t, torchserve.Stack(stack.Image{}, fstest.MapFS{}).Status, "not maintained")
}
