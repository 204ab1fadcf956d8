package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/plan"
)

// quiet is an observer that counts jobs.
type quiet struct {
	jobs int
	live []plan.Live // of a job that has ended: nothing is told any more
}

func (q *quiet) Window(Job, Line)          {}
func (q *quiet) Live(_ Job, now plan.Live) { q.live = append(q.live, now) }
func (q *quiet) Job(Job, error)            { q.jobs++ }
func never() <-chan struct{}               { return make(chan struct{}) }
func full() writer                         { return func([]byte) (int, error) { return 0, syscall.ENOSPC } }
func streams(bench, log io.Writer) Streams {
	return Streams{Bench: NewResults(bench), Log: log, Observer: &quiet{}}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// scripted is a folder of benchmark binaries that do what the shell script says.
func scripted(t *testing.T, script string) (binaries string, j Job) {
	t.Helper()
	j = job("embedded", "Embeddings/x")
	binaries = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(binaries, j.Group.binary()), []byte("#!/bin/sh\n"+script), 0o755))
	return binaries, j
}

// TestWhatCannotBeWrittenEndsTheRun has each of the places full where a run
// writes. The process under way is told to end, and no other is started.
func TestWhatCannotBeWrittenEndsTheRun(t *testing.T) {
	const talk = "echo BenchmarkX/stack=a 1 5 ns/op\necho a word >&2\n"
	check := func(name, script string, out Streams, says string) {
		t.Run(name, func(t *testing.T) {
			started := filepath.Join(t.TempDir(), "started")
			binaries, j := scripted(t, "echo one >> "+started+"\n"+script)
			err := Execute(t.Context(), binaries, []Job{j, j, j}, Request{}, out, never())
			var lost *Lost
			require.ErrorAs(t, err, &lost)
			require.ErrorContains(t, err, says)
			text, err := os.ReadFile(started)
			require.NoError(t, err)
			require.Equal(t, "one\n", string(text))
			require.Equal(t, 1, out.Observer.(*quiet).jobs)
		})
	}
	hang := talk + "while :; do read -r x || sleep 1; done\n" // until it is told to end
	check("the benchmark stream", hang, streams(full(), io.Discard), "the run was stopped: no space left on device")
	check("the log", hang, streams(io.Discard, full()), "the run was stopped: write the log: no space left on device")
	told := talk + "echo '# a note' >&2\necho '# trial 3 of X is lost: write a/trials.jsonl: no space' >&2\necho '#   make room' >&2\nexit 74\n"
	check("the trials", told, streams(io.Discard, io.Discard), "the run was stopped: trial 3 of X is lost: write a/trials.jsonl: no space\nmake room")
}

func TestHowAWindowGoesIsHeard(t *testing.T) {
	binaries, j := scripted(t, `echo '{"name":"X/stack=a","answers":7,"p50_ms":1.5,"p99_ms":2}' >&3`)
	out := streams(io.Discard, io.Discard)
	require.NoError(t, Execute(t.Context(), binaries, []Job{j}, Request{}, out, never()))
	require.Equal(t, []plan.Live{{Name: "X/stack=a", Answers: 7, P50MS: 1.5, P99MS: 2}}, out.Observer.(*quiet).live)
}

func TestAJobThatFailsDoesNotEndTheRun(t *testing.T) {
	binaries, j := scripted(t, "echo out of luck >&2\nexit 3\n")
	out := streams(io.Discard, io.Discard)
	err := Execute(t.Context(), binaries, []Job{j, j}, Request{}, out, never())
	require.ErrorContains(t, err, "exit status 3\n  out of luck")
	require.Equal(t, 2, out.Observer.(*quiet).jobs)
	require.Equal(t, 2, strings.Count(err.Error(), "out of luck"))
}

func TestAProcessThatEndsWhenAskedHasNotFailed(t *testing.T) {
	stop := make(chan struct{})
	binaries, j := scripted(t, "trap 'exit 130' INT\necho BenchmarkX/stack=a 1 5 ns/op\nwhile :; do sleep 0.05; done\n")
	var seen bytes.Buffer
	asked := writer(func(p []byte) (int, error) {
		if seen.Len() == 0 {
			close(stop)
		}
		return seen.Write(p)
	})
	require.NoError(t, Execute(t.Context(), binaries, []Job{j, j}, Request{}, streams(asked, io.Discard), stop))
	require.Equal(t, "BenchmarkX/stack=a 1 5 ns/op\n", seen.String())
}

func TestACancelledRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	binaries, j := scripted(t, "echo BenchmarkX/stack=a 1 5 ns/op\nexec sleep 60\n")
	stopped := writer(func(p []byte) (int, error) { cancel(); return len(p), nil })
	err := Execute(ctx, binaries, []Job{j, j}, Request{}, streams(stopped, io.Discard), never())
	require.ErrorIs(t, err, context.Canceled)
}

// TestNoBenchmarkOutlivesTheRun kills a run as nothing can be prepared for, and
// looks for its process, which does what package boot does for a real one: it
// ends when its standard input does.
func TestNoBenchmarkOutlivesTheRun(t *testing.T) {
	binaries, _ := scripted(t, "echo BenchmarkX/stack=a $$ 5 ns/op\nread -r x\n")
	run := exec.Command(os.Args[0])
	run.Env = append(os.Environ(), "RUNNER_TEST_RUN="+binaries)
	out, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	var pid int
	_, err = fmt.Fscanf(out, "BenchmarkX/stack=a %d", &pid)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, 0), "it waits")
	require.NoError(t, run.Process.Kill())
	require.Error(t, run.Wait())
	ended := func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) }
	require.Eventually(t, ended, 30*time.Second, 10*time.Millisecond)
}

// zombie says whether the process has ended and nobody waits for it, as where
// the first process of a container does not.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// TestMain is also a run of its own, for a test to kill.
func TestMain(m *testing.M) {
	if binaries := os.Getenv("RUNNER_TEST_RUN"); binaries != "" {
		err := Execute(context.Background(), binaries, []Job{job("embedded", "Embeddings/x")}, Request{}, streams(os.Stdout, io.Discard), never())
		if err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
