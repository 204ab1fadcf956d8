package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
)

const helperPath = "stackbench/internal/boot/testdata/helper"

// TestMain is also the program that tests start as a benchmark run of its own,
// to see what is left when it ends badly.
func TestMain(m *testing.M) {
	if how := os.Getenv("BOOT_RUN"); how != "" {
		os.Exit(badRun(how, os.Getenv("BOOT_LAUNCHER")))
	}
	os.Exit(withHelper(m.Run))
}

// withHelper builds the helper once, static so that it also runs in an empty
// image, and runs the tests with it.
func withHelper(tests func() int) int {
	dir, err := os.MkdirTemp("", "boot-helper-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "helper")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, helperPath)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	if err := os.Setenv(helperVariable, path); err != nil {
		panic(err)
	}
	code := tests()
	removeTestImage()
	return code
}

const helperVariable = "STACKBENCH_BIN_HELPER"

// helperStack is a stack whose server is the helper in the mode.
func helperStack(name, mode string) stack.Stack {
	args := func(r stack.Run) []string {
		return []string{"-rest=" + r.Listen.REST, "-mode=" + mode, "-models=" + r.Models}
	}
	return stack.Stack{
		Name:    name,
		Serves:  []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text}},
		Process: &stack.Process{Go: helperPath, Args: args, StartLimit: 30 * time.Second},
	}
}

// correct is the readiness check: a correct reply to a real request.
func correct(ctx context.Context, at stack.Endpoint) error {
	text, err := get(ctx, at, "/")
	if err == nil && text != "42" {
		err = fmt.Errorf("the answer is %.20q and not 42", text)
	}
	return err
}

func get(ctx context.Context, at stack.Endpoint, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.REST+path, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

// processSpec starts the helper as a process, with a cache of its own.
func processSpec(t *testing.T, mode string) Spec {
	t.Helper()
	return Spec{Stack: helperStack("helper", mode), Launcher: Process, Cache: t.TempDir(), Ready: correct}
}

func start(t *testing.T, s Spec) *Server {
	t.Helper()
	srv, err := Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Stop(context.Background())) })
	return srv
}

func gone(pid int) func() bool { return func() bool { return startTime(pid) == "" } }

func TestProcess(t *testing.T) {
	s := processSpec(t, "ok")
	srv := start(t, s)
	require.Equal(t, Process, srv.Launcher)
	require.Positive(t, srv.ReadyIn)
	require.Empty(t, srv.Endpoint.GRPC, "the stack serves no gRPC")
	require.True(t, strings.HasPrefix(srv.Endpoint.REST, "127.0.0.1:"))
	require.NoError(t, srv.Alive())
	require.NotEmpty(t, startTime(srv.PID))
	records, err := filepath.Glob(filepath.Join(s.Cache, "run", "*.json"))
	require.NoError(t, err)
	require.Len(t, records, 1)

	require.NoError(t, srv.Stop(t.Context()))
	require.True(t, gone(srv.PID)())
	require.Contains(t, srv.Log(), "serving\nending in order\n")
	require.NoFileExists(t, records[0])
	require.NoError(t, srv.Stop(t.Context()), "twice")
}

func TestProcessIsPinnedFromItsFirstInstruction(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("cores are pinned on Linux only")
	}
	all, err := cpuset.Usable()
	require.NoError(t, err)
	s := processSpec(t, "ok")
	s.Cores = all[len(all)-1:]
	srv := start(t, s)
	got, err := get(t.Context(), srv.Endpoint, "/cores")
	require.NoError(t, err)
	require.Equal(t, s.Cores.String(), got)
	mine, err := cpuset.Usable()
	require.NoError(t, err)
	require.Equal(t, all, mine, "the client keeps its own cores")

	s.Cores = cpuset.Set{1000}
	_, err = Start(t.Context(), s)
	require.ErrorContains(t, err, "pin to cores 1000")
}

func failure(t *testing.T, err error) *Failure {
	t.Helper()
	var f *Failure
	require.ErrorAs(t, err, &f)
	require.NotContains(t, f.What, "\n")
	require.NotContains(t, f.Cure, "\n")
	require.NotEmpty(t, f.Cure)
	return f
}

func TestServerThatExitsAtOnce(t *testing.T) {
	_, err := Start(t.Context(), processSpec(t, "exit"))
	f := failure(t, err)
	require.Regexp(t, `^start helper: the server exited with code 3 after \d+\.\d s, before it was ready$`, f.What)
	require.Equal(t, "line one\ncannot open the weights", f.Log)
	require.FileExists(t, f.LogFile)
	require.Contains(t, err.Error(), "(log: "+f.LogFile+")\n  | line one\n  | cannot open the weights")
}

func TestServerThatIsNeverReady(t *testing.T) {
	for mode, last := range map[string]string{
		"silent":   "connection refused",
		"nonsense": `the answer is "<html>welcome</html>" and not 42`,
	} {
		s := processSpec(t, mode)
		s.Stack.Process.StartLimit = 300 * time.Millisecond
		_, err := Start(t.Context(), s)
		f := failure(t, err)
		require.Contains(t, f.What, "start helper: no correct reply within 300ms; the last attempt: ")
		require.Contains(t, f.What, last)
		require.NotEmpty(t, f.Log)
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	s := processSpec(t, "ok")
	s.Run.Listen.REST = l.Addr().String()
	_, err = Start(t.Context(), s)
	f := failure(t, err)
	require.Equal(t, "start helper: "+s.Run.Listen.REST+" is in use by another program", f.What)

	s.Run.Listen.REST = "256.1.1.1:80"
	_, err = Start(t.Context(), s)
	require.Contains(t, failure(t, err).What, "cannot listen on 256.1.1.1:80")

	// Taken between our look and the server's: its own words tell.
	_, cure := howEnded(exited(t, 1), "listen tcp 127.0.0.1:80: bind: address already in use")
	require.Contains(t, cure, "start it again")
}

func exited(t *testing.T, code int) *os.ProcessState {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "exit "+strconv.Itoa(code))
	require.Error(t, cmd.Run())
	return cmd.ProcessState
}

func TestServerThatDiesLater(t *testing.T) {
	srv := start(t, processSpec(t, "ok"))
	_, err := get(t.Context(), srv.Endpoint, "/crash")
	require.Error(t, err)
	<-srv.run.done()
	f := failure(t, srv.Alive())
	require.Equal(t, "helper: the server exited with code 7", f.What)
	require.Contains(t, f.Log, "asked to crash")
}

func TestServerThatTheKernelKills(t *testing.T) {
	srv := start(t, processSpec(t, "ok"))
	require.NoError(t, syscall.Kill(srv.PID, syscall.SIGKILL))
	<-srv.run.done()
	f := failure(t, srv.Alive())
	require.Equal(t, "helper: the server was killed (signal 9), as the kernel does when memory runs out", f.What)
	require.Contains(t, f.Cure, "memory")
}

func TestGroupEndsWithItsLeader(t *testing.T) {
	srv := start(t, processSpec(t, "tree"))
	child := childOf(t, srv)
	require.NotEmpty(t, startTime(child))
	require.NoError(t, syscall.Kill(srv.PID, syscall.SIGKILL))
	require.Eventually(t, gone(child), 20*time.Second, 10*time.Millisecond)
}

func childOf(t *testing.T, srv *Server) (pid int) {
	t.Helper()
	_, after, ok := strings.Cut(srv.Log(), "child ")
	require.True(t, ok, srv.Log())
	_, err := fmt.Sscan(after, &pid)
	require.NoError(t, err)
	return pid
}

func TestStubbornServerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes the whole grace period")
	}
	srv := start(t, processSpec(t, "stubborn"))
	require.NoError(t, srv.Stop(t.Context()))
	require.True(t, gone(srv.PID)())
}

func TestStartIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := processSpec(t, "silent")
	var pid int
	s.Ready = func(context.Context, stack.Endpoint) error {
		records, err := filepath.Glob(filepath.Join(s.Cache, "run", "helper-*.json"))
		if err != nil || len(records) != 1 {
			return errors.New("not yet")
		}
		_, err = fmt.Sscanf(filepath.Base(records[0]), "helper-%d.json", &pid)
		cancel()
		return errors.Join(err, errors.New("not yet"))
	}
	_, err := Start(ctx, s)
	require.ErrorIs(t, err, context.Canceled)
	require.Positive(t, pid)
	require.True(t, gone(pid)())
}

func TestReadinessCheckThatPanics(t *testing.T) {
	s := processSpec(t, "ok")
	var pid int
	s.Ready = func(context.Context, stack.Endpoint) error {
		records, _ := filepath.Glob(filepath.Join(s.Cache, "run", "helper-*.json"))
		_, _ = fmt.Sscanf(filepath.Base(records[0]), "helper-%d.json", &pid)
		panic("bad check")
	}
	require.PanicsWithValue(t, "bad check", func() { _, _ = Start(t.Context(), s) })
	require.Positive(t, pid)
	require.True(t, gone(pid)())
}
