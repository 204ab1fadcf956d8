package host

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/plan"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

const minilm = fakestack.MiniLM

func TestMain(m *testing.M) {
	fakestack.Serve()
	os.Exit(m.Run())
}

// TestSetupBuildsTheHelpersToo: the null server was built after the first
// window, while others were still to come.
func TestSetupBuildsTheHelpersToo(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go on PATH")
	}
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	helper := stack.Stack{Name: "null", Process: &stack.Process{}}
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644))
	helper.Process.Go = filepath.Join(folder, "main.go")
	lost := stack.Stack{Name: "lost", Process: &stack.Process{Go: filepath.Join(folder, "lost.go")}}
	var said []string
	r := Reporter{Done: func(what string) { said = append(said, what) }, Build: io.Discard}
	_, err := Setup(context.Background(), suite.Options{Start: suite.Start{Device: "cpu", Launcher: "process"}}, []plan.Leaf{}, []stack.Stack{helper, lost}, r)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(os.Getenv("STACKBENCH_CACHE"), "bin", "null"))
	require.Len(t, said, 1)
	require.Contains(t, said[0], "lost, which helps to measure, is not ready: build lost")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Setup(ctx, suite.Options{Start: suite.Start{Device: "cpu", Launcher: "process"}}, nil, []stack.Stack{lost}, r)
	require.ErrorIs(t, err, context.Canceled)
}
