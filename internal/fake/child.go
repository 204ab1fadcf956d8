package fake

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"stackbench/internal/cpuset"
)

// childEnv marks a process that was started to be a server.
const childEnv = "STACKBENCH_FAKE_CHILD"

// Order is what a child process serves: exactly one of its scripts is set.
type Order struct {
	HTTP *Script
	GRPC *Calls
	Play *Timeline
	CPU  int // core to stay on where the system can pin, -1 for any
}

// Child is a server in a process of its own, so that a benchmark's CPU time is
// the client's alone.
type Child struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// Main turns a process that Spawn started into the server, and returns at once
// in every other. A test package that uses Spawn calls it first in TestMain.
func Main() {
	if os.Getenv(childEnv) == "" {
		return
	}
	if err := obey(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Spawn starts the running program again as a server, with one processor.
func Spawn(o Order) (*Child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start fake child: %w", err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1", "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start fake child: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start fake child: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start fake child: %w", err)
	}
	c := &Child{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	if err := json.NewEncoder(stdin).Encode(o); err != nil {
		c.Close()
		return nil, fmt.Errorf("start fake child: send order: %w", err)
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("start fake child: no address (does TestMain call fake.Main?): %w", err)
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

// Addr is host:port.
func (c *Child) Addr() string { return c.addr }

// PID is the child's process number.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Arrivals asks the child when each request so far had arrived whole, in order,
// on the wall clock that both processes read.
func (c *Child) Arrivals() ([]time.Time, error) {
	if _, err := io.WriteString(c.stdin, "arrivals\n"); err != nil {
		return nil, fmt.Errorf("ask fake child for arrivals: %w", err)
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("ask fake child for arrivals: %w", err)
	}
	fields := strings.Fields(line)
	times := make([]time.Time, len(fields))
	for i, f := range fields {
		ns, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("ask fake child for arrivals: %w", err)
		}
		times[i] = time.Unix(0, ns)
	}
	return times, nil
}

// Close ends the child and waits for its exit. A child also ends by itself
// when its parent dies, since its standard input then ends.
func (c *Child) Close() error {
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("end fake child: %w", err)
	}
	return nil
}

// server is what the two kinds have in common.
type server interface {
	Addr() string
	Arrivals() []time.Time
	Close() error
}

// obey reads an order, serves it until in ends, and answers on out: its address,
// then one line of arrivals for each line asked.
func obey(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("fake child: read order: %w", err)
	}
	var o Order
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("fake child: read order: %w", err)
	}
	if o.CPU >= 0 {
		if _, err := cpuset.Pin(cpuset.Set{o.CPU}); err != nil {
			return fmt.Errorf("fake child: %w", err)
		}
	}
	s, err := serve(o)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := fmt.Fprintln(out, s.Addr()); err != nil {
		return fmt.Errorf("fake child: %w", err)
	}
	for {
		if _, err := lines.ReadString('\n'); err != nil {
			return nil
		}
		w := bufio.NewWriter(out)
		for _, t := range s.Arrivals() {
			fmt.Fprintf(w, "%d ", t.UnixNano())
		}
		fmt.Fprintln(w)
		if err := w.Flush(); err != nil {
			return fmt.Errorf("fake child: %w", err)
		}
	}
}

func serve(o Order) (server, error) {
	switch {
	case o.HTTP != nil && o.GRPC == nil && o.Play == nil:
		return HTTP(*o.HTTP)
	case o.GRPC != nil && o.HTTP == nil && o.Play == nil:
		return GRPC(*o.GRPC)
	case o.Play != nil && o.HTTP == nil && o.GRPC == nil:
		return Play(*o.Play)
	}
	return nil, fmt.Errorf("fake child: an order has exactly one of HTTP, GRPC and Play")
}
