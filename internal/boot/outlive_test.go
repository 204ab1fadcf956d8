package boot

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// badRun is a benchmark run that ends as it is told to.
func badRun(how, launcher string) int {
	switch how {
	case "parent":
		EndWith(os.Stdin)
	case "go":
		EndWithGo()
	}
	ctx, stop := Guard(context.Background())
	defer stop()
	s := Spec{Stack: helperStack("helper", "tree"), Launcher: launcher, Cache: os.Getenv("BOOT_CACHE"), Ready: correct}
	if launcher == Container {
		s.Stack = containerStack("ok")
	}
	srv, err := Start(ctx, s)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("pid %d\n%s\n", srv.PID, srv.Log())
	var child int
	if _, after, ok := strings.Cut(srv.Log(), "child "); ok {
		_, _ = fmt.Sscan(after, &child)
	}
	if launcher == Process && startTime(child) == "" {
		fmt.Println("the child is not up")
		return 1
	}
	fmt.Println("ready")
	switch how {
	case "panic":
		panic("on the main goroutine")
	case "panic elsewhere":
		go func() { panic("on another goroutine") }()
	case "leave":
		return 0
	case "window": // one SIGINT: the window ends in order
		<-Ending(ctx)
		fmt.Println("ending after the window:", srv.Alive() == nil, ctx.Err() == nil)
		return 0
	}
	<-ctx.Done()
	fmt.Println("cancelled:", context.Cause(ctx))
	select {} // the guard ends the process
}

// run is a bad run that is up.
type run struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	in   io.Closer
	text string // up to "ready"
	pids []int  // of the server and its child
}

func startRun(t *testing.T, how, launcher string) run {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BOOT_RUN="+how, "BOOT_LAUNCHER="+launcher, "BOOT_CACHE="+t.TempDir())
	return begin(t, cmd)
}

// begin starts the command, which is a bad run, and waits until it is up.
func begin(t *testing.T, cmd *exec.Cmd) run {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	r := run{cmd: cmd, out: bufio.NewReader(pipe), in: in}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for !strings.HasSuffix(r.text, "ready\n") {
		line, err := r.out.ReadString('\n')
		require.NoError(t, err, r.text)
		r.text += line
		var pid int
		for _, form := range []string{"pid %d", "child %d"} {
			if _, err := fmt.Sscanf(line, form, &pid); err == nil {
				r.pids = append(r.pids, pid)
			}
		}
	}
	return r
}

func (r run) rest(t *testing.T) string {
	t.Helper()
	b, err := io.ReadAll(r.out)
	require.NoError(t, err)
	_ = r.cmd.Wait()
	return string(b)
}

// TestNothingOutlivesTheRun ends real runs in every bad way and looks for
// their server and its child, which does not listen to SIGTERM.
func TestNothingOutlivesTheRun(t *testing.T) {
	check := func(how string, code int, end func(*os.Process) error) {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := startRun(t, how, Process)
			require.Len(t, r.pids, 2, r.text)
			require.NoError(t, end(r.cmd.Process))
			_ = r.rest(t)
			if code >= 0 {
				require.Equal(t, code, r.cmd.ProcessState.ExitCode())
			}
			for _, pid := range r.pids {
				require.Eventually(t, gone(pid), 30*time.Second, 20*time.Millisecond)
			}
		})
	}
	nothing := func(*os.Process) error { return nil }
	check("leave", 0, nothing)
	check("panic", 2, nothing)
	check("panic elsewhere", 2, nothing)
	check("SIGKILL", -1, (*os.Process).Kill)
	check("SIGTERM", 128+15, func(p *os.Process) error { return p.Signal(syscall.SIGTERM) })
	check("window", 0, func(p *os.Process) error { return p.Signal(os.Interrupt) })
}

// TestNothingOutlivesTheParent ends who started the run, of which the run sees
// the end of its standard input.
func TestNothingOutlivesTheParent(t *testing.T) {
	r := startRun(t, "parent", Process)
	require.NoError(t, r.in.Close())
	require.Contains(t, r.rest(t), "cancelled: interrupted")
	require.Equal(t, 128+15, r.cmd.ProcessState.ExitCode())
	for _, pid := range r.pids {
		require.Eventually(t, gone(pid), 30*time.Second, 20*time.Millisecond)
	}
}

// TestNothingOutlivesTheGoCommand kills a program called go that started the
// run, as go tool and go test do.
func TestNothingOutlivesTheGoCommand(t *testing.T) {
	name := filepath.Join(t.TempDir(), "go")
	shell, err := filepath.EvalSymlinks("/bin/sh")
	require.NoError(t, err)
	text, err := os.ReadFile(shell)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, text, 0o755))
	cmd := exec.Command(name, "-c", `"$0"; exit 1`, os.Args[0]) // not exec: it stays
	cmd.Env = append(os.Environ(), "BOOT_RUN=go", "BOOT_LAUNCHER="+Process, "BOOT_CACHE="+t.TempDir())
	r := begin(t, cmd)
	require.Equal(t, "go", commandOf(cmd.Process.Pid))
	require.NoError(t, cmd.Process.Kill())
	for _, pid := range r.pids {
		require.Eventually(t, gone(pid), 30*time.Second, 20*time.Millisecond)
	}
	_ = r.rest(t)
}

func TestInterruptTwice(t *testing.T) {
	r := startRun(t, "hold", Process)
	require.NoError(t, r.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM)) // a second SIGINT could merge with the first; SIGHUP is ignored under nohup
	require.Contains(t, r.rest(t), "cancelled: interrupted")
	require.Equal(t, 128+15, r.cmd.ProcessState.ExitCode())
	for _, pid := range r.pids {
		require.True(t, gone(pid)())
	}
}

func TestFirstInterruptLeavesTheServerUp(t *testing.T) {
	r := startRun(t, "window", Process)
	require.NoError(t, r.cmd.Process.Signal(os.Interrupt))
	require.Equal(t, "ending after the window: true true\n", r.rest(t))
}

// TestNoContainerOutlivesTheRun ends runs of their own badly; the watchdog, or
// Ryuk where it is used, removes the container.
func TestNoContainerOutlivesTheRun(t *testing.T) {
	e := docker(t)
	if _, err := exec.LookPath("docker"); err != nil && e.ryuk != "" {
		t.Skip("neither Ryuk nor the docker command is here: the next run cleans up")
	}
	check := func(how string, end func(*os.Process) error) {
		t.Run(how, func(t *testing.T) {
			r := startRun(t, how, Container)
			label := labelPID + "=" + itoa(r.cmd.Process.Pid)
			require.Len(t, mine(t, e, label), 1)
			require.NoError(t, end(r.cmd.Process))
			_ = r.rest(t)
			require.Eventually(t, func() bool { return len(mine(t, e, label)) == 0 }, 60*time.Second, 100*time.Millisecond)
		})
	}
	check("panic elsewhere", func(*os.Process) error { return nil })
	check("SIGKILL", (*os.Process).Kill)
	check("SIGTERM", func(p *os.Process) error { return p.Signal(syscall.SIGTERM) })
}

// TestTheNextRunCleansUp has a run killed that had no watchdog.
func TestTheNextRunCleansUp(t *testing.T) {
	e := docker(t)
	s := containerSpec(t, "ok")
	img, err := e.ensure(t.Context(), s.Stack.Container.Images[stack.CPU], "", io.Discard)
	require.NoError(t, err)
	dead := deadOwner(t)
	id := createLabelled(t, e, img, dead.String())
	living := createLabelled(t, e, img, self().String())
	stranger := createLabelled(t, e, img, "not ours")
	require.Equal(t, 1, e.sweep(t.Context()))
	_, err = e.cli.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	require.Error(t, err)
	for _, id := range []string{living, stranger} {
		_, err = e.cli.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
		require.NoError(t, err)
	}
}

// deadOwner is a process of this machine that has ended.
func deadOwner(t *testing.T) owner {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "read x")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	o := self()
	o.pid, o.start = cmd.Process.Pid, startTime(cmd.Process.Pid)
	require.True(t, o.here() && o.alive())
	require.NoError(t, in.Close())
	_ = cmd.Wait()
	require.False(t, o.alive())
	return o
}
