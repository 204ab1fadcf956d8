package boot

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRemoteDaemon reaches the daemon over TCP, as one on another machine: in a
// process of its own, since testcontainers keeps the first address it finds.
func TestRemoteDaemon(t *testing.T) {
	if at := os.Getenv("BOOT_REMOTE"); at == "" {
		e := docker(t)
		socket, ok := strings.CutPrefix(e.daemon, "unix://")
		if !ok {
			t.Skip("the daemon is not on a socket of this machine")
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestRemoteDaemon$", "-test.v")
		cmd.Env = append(os.Environ(), "BOOT_REMOTE=1", "DOCKER_HOST=tcp://"+forward(t, socket))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS: TestRemoteDaemon")
		return
	}
	e := docker(t)
	require.False(t, e.place.local)
	s := containerSpec(t, "ok")
	s.Run.Models, s.Run.Model.Name = t.TempDir(), "tiny"
	write(t, filepath.Join(s.Run.Models, "tiny/model.json"), "{}")
	srv := start(t, s)
	require.Zero(t, srv.PID)
	require.Equal(t, []string{"the Docker daemon is on another machine: client and server are apart"}, srv.Notes)
	got, err := get(t.Context(), srv.Endpoint, "/model")
	require.NoError(t, err)
	require.Equal(t, "{} writable=false", got)
	mounts := read(t, srv, "/proc/self/mountinfo")
	require.NotContains(t, mounts, " /models/tiny ", "copied, not mounted")
	require.Contains(t, mounts, " /models ")
}

// forward serves the socket on a loopback port.
func forward(t *testing.T, socket string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				out, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				defer out.Close()
				go func() { _, _ = io.Copy(out, in); _ = out.(*net.UnixConn).CloseWrite() }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
	return l.Addr().String()
}

// TestNoDaemon asks for a container where there is no daemon, in a process of
// its own since testcontainers keeps what it finds.
func TestNoDaemon(t *testing.T) {
	if os.Getenv("BOOT_NO_DAEMON") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoDaemon$", "-test.v")
		cmd.Env = append(os.Environ(), "BOOT_NO_DAEMON=1", "DOCKER_HOST=unix:///nonexistent/docker.sock")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	s := Spec{Stack: containerStack("ok"), Launcher: Container, Cache: t.TempDir(), Ready: correct}
	_, err := Start(t.Context(), s)
	var skip *Unavailable
	require.ErrorAs(t, err, &skip)
	require.Contains(t, skip.Reason, "Docker: no daemon answers (")
	require.Contains(t, skip.Reason, "/nonexistent/docker.sock")
	require.NotContains(t, skip.Reason, "\n")
	require.Contains(t, skip.Cure, "--launcher process")
	require.Equal(t, skip.Reason, Probe(t.Context()).Docker.Reason)

	// A stack that can run as a process does.
	s.Launcher, s.Stack.Process = Auto, helperStack("helper", "ok").Process
	require.Equal(t, Process, start(t, s).Launcher)

	t.Setenv("DOCKER_HOST", "ssh://example")
	_, err = Start(t.Context(), Spec{Stack: containerStack("ok"), Launcher: Container, Cache: t.TempDir(), Ready: correct})
	require.ErrorAs(t, err, &skip)
	require.Contains(t, skip.Reason, "ssh://")
}

func TestNoDockerInWords(t *testing.T) {
	check := func(err error, reason string) {
		t.Helper()
		var skip *Unavailable
		require.ErrorAs(t, noDocker(err), &skip)
		require.Equal(t, reason, skip.Reason)
		require.NotEmpty(t, skip.Cure)
	}
	check(os.ErrPermission, "Docker: this user may not use the daemon's socket")
	check(errors.New("dial unix /x.sock: connect: permission denied"), "Docker: this user may not use the daemon's socket")
	check(errNoSocket, "Docker: no daemon runs here (there is no socket of it on this machine)")
	check(errors.New("client version 1.52 is too new. Maximum supported API version is 1.30"), "Docker: the daemon is too old (client version 1.52 is too new. Maximum supported API version is 1.30)")
}

// Whatever is written during a benchmark ends up among its results.
func TestContainersAreStartedInSilence(t *testing.T) {
	docker(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BOOT_RUN=leave", "BOOT_LAUNCHER="+Container, "BOOT_CACHE="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Regexp(t, `^pid \d+\n(serving\n)?\nready\n$`, string(out))
}

func TestRyuk(t *testing.T) {
	t.Setenv(envRyukDisabled, "true")
	require.Equal(t, "TESTCONTAINERS_RYUK_DISABLED=true", chooseRyuk(t.Context(), nil, false))
	t.Setenv(envRyukDisabled, "false")
	require.Empty(t, chooseRyuk(t.Context(), nil, false), "the user wants it")

	docker(t)
	cli, err := find(t.Context())
	require.NoError(t, err)
	defer cli.Close()
	t.Setenv(envRyukDisabled, "")
	if reason := chooseRyuk(t.Context(), cli, false); reason != "" {
		require.Contains(t, reason, "ryuk:")
		require.Contains(t, reason, "is not present")
		require.Equal(t, "true", os.Getenv(envRyukDisabled), "or no container would start")
	} else {
		require.Empty(t, os.Getenv(envRyukDisabled))
	}
}
