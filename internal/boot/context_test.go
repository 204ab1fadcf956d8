package boot

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// devContext writes docker's settings with a context named dev, and chooses it.
func devContext(t *testing.T, host string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_CONTEXT", "")
	// sha256 of "dev"
	meta := filepath.Join(dir, "contexts/meta/ef260e9aa3c673af240d17a2660480361a8e081d1ffeca2a5ed0e3219fc18567")
	require.NoError(t, os.MkdirAll(meta, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{},"currentContext":"dev"}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(meta, "meta.json"), []byte(`{"Name":"dev","Metadata":{},"Endpoints":{"docker":{"Host":"`+host+`","SkipTLSVerify":false}}}`), 0o600))
}

func TestContextHost(t *testing.T) {
	devContext(t, "unix:///run/elsewhere.sock")
	require.Equal(t, "unix:///run/elsewhere.sock", contextHost())
	t.Setenv("DOCKER_CONTEXT", "default")
	require.Empty(t, contextHost())
	t.Setenv("DOCKER_CONTEXT", "gone")
	require.Empty(t, contextHost())
	t.Setenv("DOCKER_CONTEXT", "dev")
	require.Equal(t, "unix:///run/elsewhere.sock", contextHost())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	require.Empty(t, contextHost())
}

// The daemon of the current context is found, wherever it listens.
func TestFindHeedsTheContext(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ServerVersion":"99.0"}`))
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	devContext(t, "unix://"+socket)
	t.Setenv(client.EnvOverrideHost, "")
	cli, err := find(t.Context())
	require.NoError(t, err)
	defer cli.Close()
	require.Equal(t, "unix://"+socket, cli.DaemonHost())
	require.Equal(t, "unix://"+socket, os.Getenv(client.EnvOverrideHost), "testcontainers is told")
}
