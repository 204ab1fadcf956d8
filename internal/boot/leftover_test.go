package boot

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOwner(t *testing.T) {
	me := self()
	back, err := parseOwner(me.String())
	require.NoError(t, err)
	require.Equal(t, me, back)
	require.True(t, me.here())
	require.True(t, me.alive())
	later := me
	later.start += "0" // the same number, another process
	require.False(t, later.alive())

	for _, bad := range []string{"", "a/b/c", "a/b/x/d", "a/b/-1/d", "a/b/0/d", "/b/1/d", "a/b/1/", "a/b/1/d/e"} {
		_, err := parseOwner(bad)
		require.ErrorIs(t, err, errOwner, bad)
	}
}

func FuzzParseOwner(f *testing.F) {
	f.Add("0f0e/pid:[4026531836]/12/345")
	f.Add("///")
	f.Fuzz(func(t *testing.T, in string) {
		o, err := parseOwner(in)
		if err != nil {
			return
		}
		again, err := parseOwner(o.String())
		require.NoError(t, err)
		require.Equal(t, o, again)
	})
}

func TestAbandoned(t *testing.T) {
	me, dead := self(), deadOwner(t)
	require.False(t, abandoned(me, true))
	require.True(t, abandoned(dead, true))
	require.True(t, abandoned(dead, false))
	before := dead
	before.boot = "another boot"
	require.True(t, abandoned(before, true), "this machine was restarted since")
	require.False(t, abandoned(before, false), "another machine's, on a shared daemon")
	elsewhere := dead
	elsewhere.space = "another namespace"
	require.False(t, abandoned(elsewhere, true), "its number means nothing here")
}

// sleeper is a process group of its own.
func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "read x; exit 0")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	return cmd
}

// record writes the file that a run of the owner would have left.
func record(t *testing.T, cache string, owner, server owner) string {
	t.Helper()
	b, err := json.Marshal(leftover{Owner: owner.String(), Server: server.String()})
	require.NoError(t, err)
	path := filepath.Join(runFolder(cache), fmt.Sprintf("x-%d.json", server.pid))
	write(t, path, string(b))
	return path
}

func TestLeftOverProcessesAreEnded(t *testing.T) {
	cache, dead := t.TempDir(), deadOwner(t)
	of := func(cmd *exec.Cmd) owner {
		o := self()
		o.pid, o.start = cmd.Process.Pid, startTime(cmd.Process.Pid)
		return o
	}
	orphan, inUse, stranger := sleeper(t), sleeper(t), sleeper(t)
	gonePath := record(t, cache, dead, of(orphan))
	usedPath := record(t, cache, self(), of(inUse))
	reused := of(stranger)
	reused.start = "1" // the file is about an earlier process of this number
	reusedPath := record(t, cache, dead, reused)
	write(t, filepath.Join(runFolder(cache), "half.json"), `{"Owner":`)
	elsewhere := dead
	elsewhere.boot = "another machine"
	otherPath := record(t, filepath.Join(cache, "."), elsewhere, owner{boot: "b", space: "s", pid: 1, start: "1"})

	require.Equal(t, 1, sweepProcesses(cache))
	require.Eventually(t, gone(orphan.Process.Pid), 20*time.Second, 10*time.Millisecond)
	require.False(t, gone(inUse.Process.Pid)())
	require.False(t, gone(stranger.Process.Pid)())
	require.NoFileExists(t, gonePath)
	require.NoFileExists(t, reusedPath)
	require.FileExists(t, usedPath)
	require.FileExists(t, otherPath)
	require.Zero(t, sweepProcesses(t.TempDir()))
}

func TestOldLogsAreDropped(t *testing.T) {
	cache := t.TempDir()
	for i := range keptLogs + 5 {
		write(t, filepath.Join(cache, "logs", fmt.Sprintf("20200101T%06d-x.log", i)), "")
	}
	f, err := createLog(cache, "x")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	left, err := os.ReadDir(filepath.Join(cache, "logs"))
	require.NoError(t, err)
	require.Len(t, left, keptLogs+1)
	require.NoFileExists(t, filepath.Join(cache, "logs", "20200101T000000-x.log"))
}

func TestWatchdogDoesNothingWhenDismissed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	w, err := watch(`echo ran > "$1"`, file)
	require.NoError(t, err)
	w.dismiss()
	require.NoFileExists(t, file)

	w, err = watch(`echo ran > "$1"`, file)
	require.NoError(t, err)
	require.NoError(t, w.pipe.Close()) // as the kernel does when this process ends
	require.NoError(t, w.cmd.Wait())
	require.FileExists(t, file)
	(*watchdog)(nil).dismiss()
}

func TestProbe(t *testing.T) {
	t.Setenv("STACKBENCH_CACHE", filepath.Join(t.TempDir(), "not", "made", "yet"))
	h := Probe(t.Context())
	require.Positive(t, h.Free)
	require.NoDirExists(t, h.Cache)
	require.NotEqual(t, h.Docker.Version == "", h.Docker.Reason == "")
	require.Equal(t, h.Docker.Reason == "", h.Docker.Cure == "")
	if h.Docker.Reason == "" {
		require.Contains(t, h.Docker.Runtimes, "runc")
		require.NotEqual(t, h.Docker.GPU, h.Docker.NoGPU != "")
	}
	require.NotEqual(t, h.Python.Path == "", h.Python.Reason == "")

	t.Setenv("STACKBENCH_PYTHON", "/no/such/python")
	require.Contains(t, Probe(t.Context()).Python.Reason, "STACKBENCH_PYTHON=/no/such/python")
}
