package host

import (
	"context"
	"fmt"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/usage"
)

// Server is a started stack, as measuring sees it.
type Server struct {
	Boot        *boot.Server
	Endpoint    stack.Endpoint
	Usage       usage.Source // of CPU and memory; nil when it cannot be read
	Cores       cpuset.Set   // of the server
	ClientCores float64      // cores' time that the client may use
	Quota       float64      // cores' time that the server may use; 0: its cores'
	Threads     int          // that it was told to compute with
	Used        bool         // it has answered more than the readiness request
}

// Pids are the processes of the server; none where it is not on this machine.
func (s *Server) Pids() []int {
	if s.Boot.PID == 0 {
		return nil
	}
	return usage.Processes(s.Boot.PID)
}

// Session starts a stack with a model when its first leaf is due, keeps it for
// the leaves that follow, and stops it.
type Session struct {
	Host  *Host
	Stack stack.Stack
	Model stack.Model
	// Helper marks a stack that is not measured but helps to measure: a process
	// on the CPU, whatever the measured ones are.
	Helper bool
	Up     *Server       // nil when none is
	set    suite.Setting // that it was started with, or failed with
	failed error         // of the first such start; the leaves that follow must not wait for it again

	// Ready asks for one right answer to a case.
	Ready func(ctx context.Context, c suite.Case, how stack.Capability, at stack.Endpoint) error
}

// Server gives the running server, and starts it when there is none, when it
// must be set otherwise or when a fresh one is asked for.
func (s *Session) Server(ctx context.Context, c suite.Case, how stack.Capability, fresh bool) (*Server, error) {
	if want := c.Setting(s.Stack); s.set != want {
		if err := s.Stop(ctx); err != nil {
			return nil, err
		}
		s.set, s.failed = want, nil
	}
	if s.Up != nil && (fresh && s.Up.Used || s.Up.Boot.Alive() != nil) {
		if err := s.Stop(ctx); err != nil {
			return nil, err
		}
	}
	if s.Up != nil || s.failed != nil {
		return s.Up, s.failed
	}
	up, err := s.start(ctx, c, how)
	if err != nil && context.Cause(ctx) == nil {
		s.failed = err
	}
	s.Up = up
	return up, err
}

func (s *Session) start(ctx context.Context, c suite.Case, how stack.Capability) (*Server, error) {
	spec := s.Host.spec(s.Stack, s.Model)
	spec.Run.Batch, spec.Run.Prefix = c.Batcher.Of(s.Stack), c.Share
	if s.Helper {
		spec.Launcher, spec.Run.Device = boot.Process, stack.CPU
	}
	spec.Ready = func(ctx context.Context, at stack.Endpoint) error { return s.Ready(ctx, c, how, at) }
	b, err := boot.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	up := &Server{Boot: b, Endpoint: b.Endpoint, Cores: spec.Cores, ClientCores: s.Host.limited(s.Host.Client), Threads: spec.Run.Threads}
	if b.Launcher == boot.Process { // a container is in a control group of its own
		up.Quota = s.Host.quota
	} else if b.PID != 0 {
		up.Quota = usage.Quota(b.PID)
	}
	up.Usage = up.source()
	return up, nil
}

// source reads the stack's use of CPU and memory: a container's from its
// cgroup, or from Docker where that cannot be read, a process's from its tree.
func (s *Server) source() usage.Source {
	if s.Boot.Launcher == boot.Process {
		if src, err := usage.Tree(s.Boot.PID); err == nil {
			return src
		}
		return nil
	}
	if s.Boot.Launcher != boot.Container {
		return nil
	}
	if s.Boot.PID != 0 {
		if src, err := usage.Cgroup(s.Boot.PID); err == nil {
			return src
		}
	}
	return docker{s.Boot}
}

// docker reads usage through the Docker API.
type docker struct{ server *boot.Server }

func (d docker) Read() (usage.Sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	cpu, memory, err := d.server.Usage(ctx)
	return usage.Sample{At: time.Now(), CPU: cpu, Memory: memory}, err
}

// Stop stops the server, if one is up.
func (s *Session) Stop(ctx context.Context) error {
	if s.Up == nil {
		return nil
	}
	b := s.Up.Boot
	s.Up = nil
	if err := b.Stop(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", s.Stack.Name, err)
	}
	return nil
}

// Limited is how many cores' time the server can have.
func (s *Server) Limited() float64 {
	if s.Quota > 0 {
		return min(s.Quota, float64(len(s.Cores)))
	}
	return float64(len(s.Cores))
}
