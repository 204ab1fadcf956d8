package turn

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func me(pid int) Holder {
	return Holder{PID: pid, Command: "stackbench run", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func TestOneMeasuresAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := take(path, me(100), 1)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o666), info.Mode().Perm(), "every user's runs lock the same file")

	_, err = take(path, me(200), 1)
	var taken *Taken
	require.ErrorAs(t, err, &taken)
	require.Equal(t, me(100), taken.Holder)
	require.Regexp(t, `^process 100 \(stackbench run, since \d\d:04:05\) measures on this machine, and two runs at a time disturb one another\nwait for its end, or end it \(the lock is .*/lock\)$`, err.Error())

	nothing, err := take(path, me(300), 100) // a child of the holder
	require.NoError(t, err)
	nothing()
	_, err = take(path, me(200), 1)
	require.True(t, errors.As(err, &taken), "a child's end does not let go of its parent's lock")

	release()
	release, err = take(path, me(200), 1)
	require.NoError(t, err)
	release()
	require.Equal(t, Holder{}, read(path))
}

func TestAnUnknownHolderIsRefusedToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := take(path, me(100), 1)
	require.NoError(t, err)
	defer release()
	require.NoError(t, os.WriteFile(path, []byte(`{"pid":0}`), 0o666))
	_, err = take(path, me(200), 0)
	require.ErrorContains(t, err, "another run measures on this machine")
}

func TestTheFileIsTheVariables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine")
	t.Setenv(variable, path)
	release, err := Take("go test -bench")
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), read(path).PID)
	release()
	t.Setenv(variable, filepath.Join(t.TempDir(), "no", "folder"))
	_, err = Take("go test -bench")
	require.ErrorContains(t, err, "\nset STACKBENCH_LOCK to a file that may be written")
	t.Setenv(variable, "")
	path, err = file()
	require.NoError(t, err)
	require.Equal(t, "stackbench.lock", filepath.Base(path))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"pid":4711,"command":"stackbench run","since":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"pid":-1}`))
	f.Add([]byte("{\"pid\":1,\"command\":\"\\u001b[2J\"}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, r := range parse(in).Command {
			require.False(t, r < ' ' || r > '~')
		}
	})
}
