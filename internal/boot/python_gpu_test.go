package boot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// library puts a module into a folder, as a user has it on PYTHONPATH.
func library(t *testing.T, content string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	write(t, filepath.Join(folder, "stackbench_greeting.py"), content)
	return folder
}

// TestThePathOfTheUsersOwnInterpreterIsKept: what made its modules be found is
// what the server runs with. A locked environment does not see it.
func TestThePathOfTheUsersOwnInterpreterIsKept(t *testing.T) {
	pythonHere(t)
	found, err := interpreter(t.Context(), "test", "")
	require.NoError(t, err)
	t.Setenv("STACKBENCH_PYTHON", found.path)
	t.Setenv("PYTHONPATH", library(t, "WORD = \"42\"\n"))
	s := Spec{Stack: pythonStack("--no-index\n"), Launcher: Process, Cache: t.TempDir(), Ready: correct}
	srv := start(t, s)
	require.NoError(t, srv.Alive())
	require.NoDirExists(t, filepath.Join(s.Cache, "venv"))

	t.Setenv("STACKBENCH_PYTHON", "")
	s.Stack = pythonStack(wheel(t)) // an environment without its packages is not taken for ready
	p, err := prepareProgram(t.Context(), s, os.Stderr)
	require.NoError(t, err)
	for _, kv := range p.env {
		require.NotContains(t, kv, os.Getenv("PYTHONPATH"))
	}
}

// TestAProcessWithoutAGPUSaysSoBeforeItStarts, and before anything is installed.
func TestAProcessWithoutAGPUSaysSoBeforeItStarts(t *testing.T) {
	pythonHere(t)
	t.Setenv("STACKBENCH_PYTHON", "")
	st := pythonStack("--no-index\n")
	st.Process.Python.OnGPU = `stackbench_greeting.WORD == "cuda"`
	s := Spec{Stack: st, Launcher: Process, Cache: t.TempDir(), Ready: correct, Run: stack.Run{Device: stack.GPU}}
	refused := func(why string) {
		t.Helper()
		_, err := Resolve(t.Context(), s)
		var skip *Unavailable
		require.ErrorAs(t, err, &skip)
		require.Equal(t, "py-helper as a process has no GPU: "+why, skip.Reason)
		require.Contains(t, skip.Cure, "--device cpu")
		_, err = Start(t.Context(), s)
		require.ErrorAs(t, err, &skip)
		require.NoDirExists(t, filepath.Join(s.Cache, "venv"))
	}
	refused("the requirements that it is locked to are for the CPU")

	found, err := interpreter(t.Context(), "test", "")
	require.NoError(t, err)
	t.Setenv("STACKBENCH_PYTHON", found.path)
	refused("the requirements that it is locked to are for the CPU")
	t.Setenv("PYTHONPATH", library(t, "WORD = \"cpu\"\n"))
	refused("what STACKBENCH_PYTHON has computes on the CPU only")
	t.Setenv("PYTHONPATH", library(t, "WORD = \"cuda\"\n"))
	launcher, err := Resolve(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, Process, launcher)

	s.Run.Device, s.Stack.Process.Python.OnGPU = stack.CPU, "False"
	_, err = Resolve(t.Context(), s)
	require.NoError(t, err, "on the CPU nobody asks")
}
