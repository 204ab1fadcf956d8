package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/usage"
)

// server is a started stack, as measuring sees it.
type server struct {
	boot        *boot.Server
	endpoint    stack.Endpoint
	usage       usage.Source // nil when it cannot be read
	cores       cpuset.Set   // of the server
	clientCores float64
	quota       float64 // cores' time that it may use; 0: its cores'
	threads     int
	used        bool // it has answered more than the readiness request
}

func (s *server) pids() []int {
	if s.boot.PID == 0 {
		return nil
	}
	return usage.Processes(s.boot.PID)
}

// session starts a stack with a model when its first leaf is due, keeps it for
// the leaves that follow, and stops it.
type session struct {
	env   *environment
	stack stack.Stack
	model *reference
	// helper marks a stack that is not measured but helps to measure: a process
	// on the CPU, whatever the measured ones are.
	helper bool
	oracle *session // the reference stack, idle but when drawn answers are checked; nil until then
	up     *server
	set    setting // that it was started with, or failed with
	failed error   // of the first such start; the leaves that follow must not wait for it again
	said   bool    // that it cannot run here
}

// setting is what may differ between two starts of a stack with one model.
type setting struct {
	batch stack.Batching
	share bool
}

func (c Case) setting(s stack.Stack) setting { return setting{c.Batcher.of(s), c.Share} }

// server gives the running server, and starts it when there is none, when it
// must be set otherwise or when a fresh one is asked for.
func (s *session) server(ctx context.Context, c Case, how stack.Capability, fresh bool) (*server, error) {
	if want := c.setting(s.stack); s.set != want {
		if err := s.stop(ctx); err != nil {
			return nil, err
		}
		s.set, s.failed = want, nil
	}
	if s.up != nil && (fresh && s.up.used || s.up.boot.Alive() != nil) {
		if err := s.stop(ctx); err != nil {
			return nil, err
		}
	}
	if s.up != nil || s.failed != nil {
		return s.up, s.failed
	}
	up, err := s.start(ctx, c, how)
	if err != nil && context.Cause(ctx) == nil {
		s.failed = err
	}
	s.up = up
	return up, err
}

func (s *session) start(ctx context.Context, c Case, how stack.Capability) (*server, error) {
	spec := s.env.spec(s.stack, s.model.Model)
	spec.Run.Batch, spec.Run.Prefix = c.Batcher.of(s.stack), c.Share
	if s.helper {
		spec.Launcher, spec.Run.Device = boot.Process, stack.CPU
	}
	spec.Ready = func(ctx context.Context, at stack.Endpoint) error { return s.ready(ctx, c, how, at) }
	b, err := boot.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	up := &server{boot: b, endpoint: b.Endpoint, cores: spec.Cores, clientCores: s.env.limited(s.env.client), threads: spec.Run.Threads}
	if b.Launcher == boot.Process { // a container is in a control group of its own
		up.quota = s.env.quota
	} else if b.PID != 0 {
		up.quota = usage.Quota(b.PID)
	}
	up.usage = up.source()
	return up, nil
}

// whileAlive ends when the server does: the rest of a window on a dead one
// measures nothing, and a closed loop would only fail as fast as it can.
func whileAlive(ctx context.Context, s *boot.Server) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if s.Alive() != nil {
					cancel()
				}
			}
		}
	}()
	return ctx, cancel
}

// source reads the stack's use of CPU and memory: a container's from its
// cgroup, or from Docker where that cannot be read, a process's from its tree.
func (s *server) source() usage.Source {
	if s.boot.Launcher == boot.Process {
		if src, err := usage.Tree(s.boot.PID); err == nil {
			return src
		}
		return nil
	}
	if s.boot.Launcher != boot.Container {
		return nil
	}
	if s.boot.PID != 0 {
		if src, err := usage.Cgroup(s.boot.PID); err == nil {
			return src
		}
	}
	return docker{s.boot}
}

// docker reads usage through the Docker API.
type docker struct{ server *boot.Server }

func (d docker) Read() (usage.Sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	cpu, memory, err := d.server.Usage(ctx)
	return usage.Sample{At: time.Now(), CPU: cpu, Memory: memory}, err
}

// ready sends one real request of the case and wants a right answer.
func (s *session) ready(ctx context.Context, c Case, how stack.Capability, at stack.Endpoint) error {
	c.Batch = 1
	if h, ok := s.stack.Find(c.task(), c.Proto, c.Input, 1); ok && !s.helper {
		how = h
	}
	w, err := s.env.prepareWork(c, how, s.model.served, at)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	if err := up(ctx, s.stack.Ready, at, c.Model); err != nil {
		return err
	}
	conn, err := w.target.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	reply := conn.Do(ctx, w.known())
	if reply.Outcome != record.Good {
		return fmt.Errorf("the request ended as %q (code %d): %w", reply.Outcome, reply.Code, reply.Err)
	}
	j := s.env.judge(s.model, c, s.stack)
	if s.helper {
		j = blank(c, "")
	}
	w.examine([]record.Record{{Seq: w.known(), Answer: &record.Answer{Head: reply.Head, Body: reply.Body}}}, c.Input, j)
	if u, ok := j.(blind); ok && u.Blind() { // the windows will be invalid, so that much is enough
		return wrong(u.Fault())
	}
	if v := j.Verdict(); !v.OK() {
		return wrong(fmt.Errorf("the answer is wrong: %s", v.Reason()))
	}
	return nil
}

// wrong says that asking again would not help; nil of nil.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	return &boot.Wrong{Err: err}
}

// end stops the stack, and what helped to check its answers.
func (s *session) end(ctx context.Context) error {
	err := s.stop(ctx)
	if s.oracle != nil {
		err = errors.Join(err, s.oracle.stop(ctx))
	}
	return err
}

func (s *session) stop(ctx context.Context) error {
	if s.up == nil {
		return nil
	}
	b := s.up.boot
	s.up = nil
	if err := b.Stop(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", s.stack.Name, err)
	}
	return nil
}
