package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"stackbench/internal/plan"
)

// grace is how long a process may take to stop its stack before it is killed.
const grace = 30 * time.Second

// Line is one result line of a benchmark, cut into its parts.
type Line struct {
	Name   string            // without "Benchmark" and the suffix that testing adds
	Values map[string]string // unit → value, as printed
}

// Observer hears of each finished window while a run goes on.
type Observer interface {
	Window(j Job, l Line)
	Job(j Job, err error)
}

// Execute runs the jobs one after the other, appending results to bench and
// the processes' notes and logs to log. It stops early, without an error of
// its own, when stop is closed: the running process is asked to end after its
// current window. A job that fails does not end the run, and all failures are
// joined in the returned error; but a *Lost does, at once.
func Execute(ctx context.Context, binaries string, jobs []Job, r Request, out Streams, stop <-chan struct{}) error {
	var failed error
	for _, j := range jobs {
		select {
		case <-stop:
			return failed
		default:
		}
		err := execute(ctx, filepath.Join(binaries, j.Group.binary()), j, r, out, stop)
		out.Observer.Job(j, err)
		var lost *Lost
		if errors.As(err, &lost) {
			return errors.Join(failed, lost)
		}
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s on %s, trial %d: %w", j.Group.Name, j.who(), j.Trial, err))
		}
	}
	return failed
}

// Streams is where a run writes.
type Streams struct {
	Bench    *Results  // benchmark format only
	Log      io.Writer // everything else that the processes print
	Observer Observer
}

// execute runs one process. It has a process group of its own, so that a
// Ctrl-C at the terminal reaches only the command, which passes it on once. Its
// standard input ends when this process does, however that ends, and it with it.
func execute(parent context.Context, binary string, j Job, r Request, out Streams, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	log := &sink{w: out.Log, lose: func(err error) { cancel(&Lost{Err: fmt.Errorf("write the log: %w", err)}) }}
	out.Log = log
	cmd := exec.CommandContext(ctx, binary, j.arguments(r)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	tail := &lastLines{keep: 6}
	cmd.Stderr = io.MultiWriter(log, tail, hear(out.Observer))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("open its output: %w", err)
	}
	let, err := hold(cmd, follow(out.Observer, j))
	if err != nil {
		return err
	}
	err = cmd.Start()
	defer let()
	if err != nil {
		return fmt.Errorf("start the benchmark: %w", err)
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-stop:
			// The process may have ended meanwhile; then there is nobody to tell.
			_ = cmd.Process.Signal(os.Interrupt)
		case <-done:
		}
	}()
	copyErr := copyResults(stdout, j, out, tail)
	if copyErr != nil {
		cancel(copyErr)
		_, _ = io.Copy(io.Discard, stdout) // or it would wait for a reader before it ends
	}
	err = cmd.Wait()
	close(done)
	var lost *Lost
	switch cause := context.Cause(ctx); {
	case parent.Err() != nil:
		return nil // which the caller sees
	case cause != nil && !errors.As(cause, &lost):
		return cause
	case cause != nil:
		return lost
	}
	return outcome(cmd.ProcessState, err, stop, tail)
}

// outcome is what the end of a process means.
func outcome(state *os.ProcessState, err error, stop <-chan struct{}, tail *lastLines) error {
	if err == nil {
		return nil
	}
	if state != nil && state.ExitCode() == plan.Lost {
		return &Lost{Err: errors.New(tail.last())}
	}
	select {
	case <-stop: // it was asked to end, and says that it did
		if state != nil && state.ExitCode() == 128+int(syscall.SIGINT) {
			return nil
		}
	default:
	}
	return fmt.Errorf("%w%s", err, tail.quote())
}

func copyResults(stdout io.Reader, j Job, out Streams, tail io.Writer) error {
	s := bufio.NewScanner(stdout)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		text := s.Text()
		if err := out.keep(j, text); err != nil {
			return &Lost{Err: err}
		}
		if line, ok := ParseLine(text); ok {
			out.Observer.Window(j, line)
		} else if !benchmarkFormat(text) {
			fmt.Fprintln(out.Log, text)
			if said := strings.TrimSpace(text); said != "FAIL" && said != "PASS" {
				fmt.Fprintln(tail, text)
			}
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read its results: %w", err)
	}
	return nil
}

// ParseLine cuts a benchmark result line into its parts; false for any other line.
func ParseLine(text string) (Line, bool) {
	fields := strings.Fields(text)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return Line{}, false
	}
	l := Line{Name: trimProcs(strings.TrimPrefix(fields[0], "Benchmark")), Values: map[string]string{}}
	for i := 2; i+1 < len(fields); i += 2 {
		l.Values[fields[i+1]] = fields[i]
	}
	return l, true
}

// trimProcs removes the -GOMAXPROCS suffix that testing adds when it is not 1.
func trimProcs(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || i == len(name)-1 || strings.Trim(name[i+1:], "0123456789") != "" {
		return name
	}
	return name[:i]
}

// lastLines keeps the end of what a process said, for the error.
type lastLines struct {
	mu    sync.Mutex // its two streams come from two goroutines
	keep  int
	lines []string
	part  string
}

func (l *lastLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.part + string(p)
	for {
		line, after, found := strings.Cut(rest, "\n")
		if !found {
			break
		}
		if strings.TrimSpace(line) != "" {
			l.lines = append(l.lines, line)
		}
		rest = after
	}
	l.part = rest
	if n := len(l.lines) - l.keep; n > 0 {
		l.lines = l.lines[n:]
	}
	return len(p), nil
}

func (l *lastLines) quote() string {
	if len(l.lines) == 0 {
		return ""
	}
	return "\n  " + strings.Join(l.lines, "\n  ")
}
