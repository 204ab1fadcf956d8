package boot

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A user's setting that leads pip elsewhere is either left out or found out:
// an environment without its packages is never taken for ready.
func TestPipThatIsLedAway(t *testing.T) {
	pythonHere(t)
	t.Setenv("STACKBENCH_PYTHON", "")
	lock := wheel(t)
	away := t.TempDir()
	s := Spec{Stack: pythonStack(lock), Launcher: Process, Cache: t.TempDir(), Ready: correct}
	mark := filepath.Join(s.Cache, "venv/py-helper", readyMark)

	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	t.Setenv("PIP_TARGET", away)
	t.Setenv("PYTHONPATH", away)
	require.NoError(t, Prepare(t.Context(), s, io.Discard))
	require.FileExists(t, mark)
	found, err := filepath.Glob(filepath.Join(s.Cache, "venv/py-helper/lib/*/site-packages/stackbench_greeting.py"))
	require.NoError(t, err)
	require.Len(t, found, 1)

	// One that says it is ready and is not is made again, which a setting in a file
	// keeps from being ready.
	require.NoError(t, os.Remove(found[0]))
	settings := filepath.Join(t.TempDir(), "pip.conf")
	require.NoError(t, os.WriteFile(settings, []byte("[install]\ntarget = "+away+"\n"), 0o644))
	t.Setenv("PIP_CONFIG_FILE", settings)
	f := failure(t, Prepare(t.Context(), s, io.Discard))
	require.Contains(t, f.What, "prepare py-helper: pip installed its packages somewhere else than into ")
	require.Contains(t, f.Cure, "pip config list")
	require.NoFileExists(t, mark)
}

// Debian's Python without its venv package says so before anything is made.
func TestPythonWithoutVenv(t *testing.T) {
	pythonHere(t)
	bare := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(bare, []byte(`#!/bin/sh
if [ "$1" = "-m" ] && [ "$2" = "venv" ]; then
  echo "The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command."
  exit 1
fi
exec python3 "$@"
`), 0o755))
	t.Setenv("STACKBENCH_PYTHON", bare)
	s := Spec{Stack: pythonStack(wheel(t)), Launcher: Process, Cache: t.TempDir(), Ready: correct}
	f := failure(t, Prepare(t.Context(), s, io.Discard))
	require.Equal(t, cureVenv, f.Cure)
	h := Probe(t.Context())
	require.Empty(t, h.Python.Path)
	require.Contains(t, h.Python.Reason, "has no venv or no ensurepip")
	require.Equal(t, cureVenv, h.Python.Cure)
}

func TestPipEnvironment(t *testing.T) {
	require.Equal(t,
		[]string{"PATH=/bin", "PIP_INDEX_URL=http://mirror", "https_proxy=p"},
		pipEnvironment([]string{"PATH=/bin", "PIP_TARGET=/x", "pip_user=1", "PIP_INDEX_URL=http://mirror", "PYTHONPATH=/y", "https_proxy=p", "PIP_PREFIX="}))
}
