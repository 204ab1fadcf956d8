package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
)

// grace is how long a server may take to finish its requests after SIGTERM.
const grace = 8 * time.Second

// process is a server that is a child of this process.
type process struct {
	name    string
	cmd     *exec.Cmd
	logFile string
	record  string // file by which a later run finds it, see sweepProcesses
	watch   *watchdog
	ended   chan struct{} // closed when it was waited for
	once    sync.Once
}

// program is how to run a stack as a process, before it has ports.
type program struct {
	path string
	args []string // before the stack's own
	env  []string
	dir  string // working folder; "" means this process's
}

// startProcess starts the stack's program on free loopback ports.
func startProcess(s Spec, p program) (*process, stack.Endpoint, error) {
	at, err := listenOn(s)
	if err != nil {
		return nil, stack.Endpoint{}, err
	}
	run := s.Run
	run.Listen = at
	args, env := p.args, append(childEnvironment(os.Environ()), p.env...)
	if s.Stack.Process.Args != nil {
		args = append(args[:len(args):len(args)], s.Stack.Process.Args(run)...)
	}
	if s.Stack.Process.Env != nil {
		env = append(env, s.Stack.Process.Env(run)...)
	}
	cmd := exec.Command(p.path, args...)
	cmd.Env, cmd.Dir = env, p.dir
	out, err := startProcessCommand(s.Stack.Name, s.Cache, cmd, s.Cores)
	return out, at, err
}

func startProcessCommand(name, cache string, cmd *exec.Cmd, cores cpuset.Set) (*process, error) {
	log, err := createLog(cache, name)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	// The server writes to the file itself: its chatter costs the client nothing.
	cmd.Stdout, cmd.Stderr = log, log
	defer log.Close()
	p := &process{name: name, cmd: cmd, logFile: log.Name(), ended: make(chan struct{})}
	waited := make(chan error, 1)
	if err := launch(cmd, cores, waited); err != nil {
		return nil, noProgram(name, cmd.Path, err)
	}
	go func() {
		<-waited // the process's state tells all
		// Nothing of the group may go on without its leader.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		close(p.ended)
	}()
	if p.watch, err = watch(endGroup, fmt.Sprint(cmd.Process.Pid)); err == nil {
		p.record, err = recordProcess(cache, name, cmd.Process.Pid)
	}
	if err != nil {
		_ = p.stop()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// noProgram says why the command did not start.
func noProgram(name, path string, err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return &Failure{
			What: fmt.Sprintf("start %s: %s cannot be run: %v", name, path, file.Err),
			Cure: "check that the file is there and executable, or remove the variable that names it",
			Err:  err,
		}
	}
	return &Failure{
		What: fmt.Sprintf("start %s: %v", name, err),
		Cure: "check the cores that were asked for against the ones this machine has",
		Err:  err,
	}
}

// listenOn chooses where a process is to listen: where the caller says, else
// on free loopback ports. A port that is taken is an error at once, since the
// server's own words for it may be anything.
func listenOn(s Spec) (stack.Endpoint, error) {
	at := s.Run.Listen
	var rest, grpc bool
	for _, c := range s.Stack.Serves {
		rest, grpc = rest || c.Proto.HTTP(), grpc || !c.Proto.HTTP()
	}
	for _, p := range []struct {
		addr *string
		want bool
	}{{&at.REST, rest}, {&at.GRPC, grpc}} {
		given := *p.addr
		if given == "" && !p.want {
			continue
		}
		if given == "" {
			given = "127.0.0.1:0"
		}
		// Both listeners stay open until both ports are known, or the second
		// could be given the first one's port.
		l, err := net.Listen("tcp", given)
		if err != nil {
			return stack.Endpoint{}, portTaken(s.Stack.Name, given, err)
		}
		defer l.Close()
		*p.addr = l.Addr().String()
	}
	return at, nil
}

func portTaken(name, addr string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return &Failure{
			What: fmt.Sprintf("start %s: cannot listen on %s: %v", name, addr, err),
			Cure: "give an address of this machine, or none so that a free port is chosen",
			Err:  err,
		}
	}
	return &Failure{
		What: fmt.Sprintf("start %s: %s is in use by another program", name, addr),
		Cure: "end that program, give another port, or give none so that a free one is chosen",
		Err:  err,
	}
}

func (p *process) done() <-chan struct{} { return p.ended }

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) log() string { return tail(p.logFile) }

// how says in what way the process ended; ask after done.
func (p *process) how() (what, cure string) {
	return howEnded(p.cmd.ProcessState, p.log())
}

func howEnded(st *os.ProcessState, log string) (what, cure string) {
	cure = "read its last lines below, and start it by hand with the same arguments if they do not tell"
	if lower := strings.ToLower(log); strings.Contains(lower, "address already in use") {
		cure = "another program took its port in the moment of the start: start it again"
	} else if strings.Contains(lower, "no space left on device") {
		cure = "the disk is full: free some space and start it again"
	}
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		if ws.Signal() == syscall.SIGKILL {
			return "was killed (signal 9), as the kernel does when memory runs out",
				"give the machine more memory or the server less to do: a smaller model, batch or number of threads"
		}
		return fmt.Sprintf("was ended by signal %d (%v)", int(ws.Signal()), ws.Signal()), cure
	}
	return fmt.Sprintf("exited with code %d", st.ExitCode()), cure
}

// stop ends the group in order, once: SIGTERM, SIGKILL after the grace, and back
// only when the leader was waited for.
func (p *process) stop() error {
	p.once.Do(func() {
		select {
		case <-p.ended: // its number may be another's by now
		default:
			p.signal()
		}
		p.watch.dismiss()
		if p.record != "" {
			_ = os.Remove(p.record)
		}
	})
	return nil
}

func (p *process) signal() {
	pid := p.pid()
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-p.ended
	}
}

func (p *process) usage(context.Context) (time.Duration, int64, error) {
	return 0, 0, errors.New("a process is read through its number, not through Docker")
}

const keptLogs = 40

// createLog makes a new log file under the cache and drops the oldest ones.
func createLog(cache, name string) (*os.File, error) {
	if err := MarkCache(cache); err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "logs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	dropLogs(dir, "????????T??????-*.log")
	stamp := time.Now().UTC().Format("20060102T150405")
	return os.CreateTemp(dir, stamp+"-"+name+"-*.log")
}

// CommandLog makes the log of a command under the cache. Each kind of log drops
// the oldest of its own: a run that starts a server a hundred times keeps its
// own log.
func CommandLog(cache string) (*os.File, error) {
	if err := MarkCache(cache); err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "logs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	dropLogs(dir, "????-??-??-??????*.log")
	return os.Create(filepath.Join(dir, time.Now().UTC().Format("2006-01-02-150405")+".log"))
}

// dropLogs removes all but the newest of a kind, whose names begin with the time.
func dropLogs(dir, kind string) {
	old, err := filepath.Glob(filepath.Join(dir, kind))
	if err != nil || len(old) <= keptLogs {
		return
	}
	for _, f := range old[:len(old)-keptLogs] {
		_ = os.Remove(f)
	}
}

// tail is the end of a file, for people.
func tail(path string) string {
	const most = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	size, err := f.Seek(0, 2)
	if err != nil {
		return ""
	}
	from := max(size-most, 0)
	b := make([]byte, size-from)
	n, _ := f.ReadAt(b, from)
	return strings.ToValidUTF8(string(b[:n]), "�")
}
