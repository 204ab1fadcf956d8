package stack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// page is the body of a captured answer.
func page(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/captures", name))
	require.NoError(t, err)
	_, body, found := bytes.Cut(b, []byte("\r\n\r\n"))
	require.True(t, found)
	return body
}

func workers() stack.Ready {
	return stack.Ready{Path: "/models/{model}", Field: "workers.status", Value: "READY", What: "its worker"}
}

func TestReady(t *testing.T) {
	require.Equal(t, "/models/a%20b", workers().At("a b"))
	require.NoError(t, workers().Read(page(t, "torchserve/ready.http")))
	require.NoError(t, workers().Read(page(t, "torchserve/restarted.http")))
	for name, want := range map[string]string{
		"torchserve/worker-gone.http": "its worker is not ready (status UNLOADING)",
		"torchserve/jpeg.http":        "status none",
	} {
		require.ErrorContains(t, workers().Read(page(t, name)), want)
	}
	require.ErrorContains(t, workers().Read([]byte(`[{"workers":[]}]`)), "status none")
	require.ErrorContains(t, workers().Read([]byte(`<html>`)), "not JSON")
}

func TestVersion(t *testing.T) {
	tei := stack.Version{Text: "tei {version}, {max_batch_requests} texts"}
	require.Equal(t, "tei 1.9.3, 4 texts", tei.Read(page(t, "tei/info.http")))
	nested := stack.Version{Text: "torchserve {info.version}"}
	require.Equal(t, "torchserve 0.12.0", nested.Read([]byte(`{"info":{"version":"0.12.0"}}`)))
	for _, lacks := range []string{`{}`, `{"info":"0.12.0"}`, `{"info":{"version":""}}`, `{"info":{"version":null}}`, `{"info":[{"version":"1"},{"version":"2"}]}`, `<html>`, ``} {
		require.Empty(t, nested.Read([]byte(lacks)), lacks)
	}
}

func FuzzSays(f *testing.F) {
	for _, name := range []string{"torchserve/ready.http", "torchserve/worker-gone.http", "tei/info.http"} {
		f.Add(page(f, name))
	}
	f.Add([]byte(`[{"workers":[{"status":"READY"}]},null]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if workers().Read(b) == nil {
			require.Contains(t, string(b), "R") // READY, or an escape of it
		}
		said := stack.Version{Text: "x {version}"}.Read(b)
		require.True(t, said == "" || len(said) > len("x "))
	})
}
