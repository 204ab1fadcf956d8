package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"stackbench/internal/stack"
)

// Start prepares the stack if that was not done, starts it and returns when it
// has answered correctly. On any error nothing is left running. An
// *Unavailable is a reason to skip; a *Failure carries the last log lines.
func Start(ctx context.Context, s Spec) (*Server, error) {
	if s.Ready == nil {
		return nil, fmt.Errorf("start %s: no readiness check was given", s.Stack.Name)
	}
	guard := guardOf(ctx)
	if !guard.begin() {
		return nil, fmt.Errorf("start %s: %w", s.Stack.Name, errEnding)
	}
	defer guard.end()
	p, err := resolve(ctx, s, false)
	if err != nil {
		return nil, err
	}
	img, prog, err := p.prepare(ctx, io.Discard)
	if err != nil {
		return nil, err
	}
	var out *Server
	switch p.launcher {
	case Attach:
		out, err = p.attach(ctx)
	case Container:
		out, err = p.runContainer(ctx, img)
	default:
		out, err = p.runProcess(ctx, prog)
	}
	if err != nil {
		return nil, err
	}
	guard.add(out)
	return out, nil
}

func (p plan) limit() time.Duration {
	var d time.Duration
	switch {
	case p.launcher == Container:
		d = p.Stack.Container.StartLimit
	case p.launcher == Process:
		d = p.Stack.Process.StartLimit
	}
	if d <= 0 {
		return startLimit
	}
	return d
}

// Somebody else started an attached server: it is up or it is not, and where
// nothing listens there is little to wait for.
const (
	attachLimit = 30 * time.Second
	nobodyLimit = 5 * time.Second
)

func (p plan) attach(ctx context.Context) (*Server, error) {
	out := &Server{Name: p.Stack.Name, Endpoint: p.endpoint, Launcher: Attach}
	never := make(chan struct{})
	limit, started := attachLimit, time.Now()
	err := await(ctx, limit, never, func(ctx context.Context) error {
		err := p.Ready(ctx, p.endpoint)
		if errors.Is(err, syscall.ECONNREFUSED) && time.Since(started) >= nobodyLimit {
			return &Wrong{err}
		}
		return err
	})
	if err == nil {
		return out, nil
	}
	var l *late
	var wrong *Wrong
	switch {
	case errors.As(err, &wrong) && errors.Is(err, syscall.ECONNREFUSED):
		limit, l = nobodyLimit, &late{last: wrong.Err}
	case errors.As(err, &wrong):
		return nil, &Failure{What: fmt.Sprintf("attach %s: %s answers, but %s", p.Stack.Name, where(p.endpoint), firstLine(wrong.Error())), Cure: cureWrong, Err: err}
	case !errors.As(err, &l):
		return nil, fmt.Errorf("attach %s: %w", p.Stack.Name, err)
	}
	return nil, &Failure{
		What: fmt.Sprintf("attach %s: no correct reply from %s within %v: %s", p.Stack.Name, where(p.endpoint), limit, firstLine(l.last.Error())),
		Cure: "check that the server runs and serves this model, and the address in " + variable("ATTACH", p.Stack.Name),
		Err:  err,
	}
}

func where(e stack.Endpoint) string {
	if e.REST != "" {
		return e.REST
	}
	return e.GRPC
}

func (p plan) runContainer(ctx context.Context, img image) (*Server, error) {
	c, err := p.engine.create(ctx, p.Spec, img)
	if err != nil {
		return nil, err
	}
	out := &Server{
		Name: p.Stack.Name, Launcher: Container, Image: img.ref, Digest: img.digest,
		Cores: p.Cores, LogFile: c.logFile, run: c,
	}
	if !p.engine.place.local {
		out.Notes = append(out.Notes, "the Docker daemon is on another machine: client and server are apart")
	}
	return p.bring(ctx, out, func() error {
		out.Endpoint, out.PID, err = c.start(ctx, p.Stack.Container)
		return err
	})
}

func (p plan) runProcess(ctx context.Context, prog program) (*Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Stack.Name, context.Cause(ctx))
	}
	out := &Server{Name: p.Stack.Name, Launcher: Process, Cores: p.Cores}
	if runtime.GOOS != "linux" && len(p.Cores) > 0 {
		out.Cores, out.Notes = nil, append(out.Notes, "cores are pinned on Linux only")
	}
	return p.bring(ctx, out, func() error {
		c, at, err := startProcess(p.Spec, prog)
		if err == nil {
			out.Endpoint, out.PID, out.LogFile, out.run = at, c.pid(), c.logFile, c
		}
		return err
	})
}

// bring starts the server and waits for its first correct reply. It stops the
// server when that does not come, and when the readiness check panics.
func (p plan) bring(ctx context.Context, out *Server, start func() error) (*Server, error) {
	up := false
	defer func() {
		if !up && out.run != nil {
			_ = out.run.stop()
		}
	}()
	started := time.Now()
	if err := start(); err != nil {
		return nil, err
	}
	limit := p.limit()
	err := await(ctx, limit, out.run.done(), func(ctx context.Context) error { return p.Ready(ctx, out.Endpoint) })
	out.ReadyIn = time.Since(started)
	if err == nil {
		up = true
		return out, nil
	}
	const lines = 20
	f := &Failure{Log: lastLines(out.run.log(), lines), LogFile: out.LogFile, Err: err}
	var l *late
	var wrong *Wrong
	switch {
	case errors.As(err, &wrong):
		f.What, f.Cure = fmt.Sprintf("start %s: it answers, but %s", p.Stack.Name, firstLine(wrong.Error())), cureWrong
	case errors.Is(err, errEnded):
		what, cure := out.run.how()
		f.What = fmt.Sprintf("start %s: the server %s after %.1f s, before it was ready", p.Stack.Name, what, out.ReadyIn.Seconds())
		f.Cure = cure
		if said := p.said(out.run.log()); said != "" {
			f.What += ": " + said
		}
	case errors.As(err, &l):
		f.What = fmt.Sprintf("start %s: no correct reply within %v; the last attempt: %s", p.Stack.Name, limit, firstLine(l.last.Error()))
		f.Cure = "read its last lines below: it may still be loading, or it may serve something else than what was asked for"
	default:
		return nil, fmt.Errorf("start %s: %w", p.Stack.Name, err)
	}
	return nil, f
}

// said is what a container's log tells of why it did not start, in one line:
// the part that the stack's expression groups, or the whole line. "" when the
// stack does not know where in the log that stands.
func (p plan) said(log string) string {
	if p.launcher != Container || p.Stack.Container.Telling == "" {
		return ""
	}
	telling, err := regexp.Compile(p.Stack.Container.Telling)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		switch m := telling.FindStringSubmatch(line); {
		case len(m) > 1:
			return firstLine(m[1])
		case m != nil:
			return firstLine(line)
		}
	}
	return ""
}

// Stop ends the server in order, within its grace period, and removes its
// container. It does its work whatever ctx is: callers clean up when theirs is
// cancelled. An attached server is left alone. Stop may be called again.
func (s *Server) Stop(context.Context) error {
	if s.run == nil {
		return nil
	}
	err := s.run.stop()
	if err == nil && s.forget != nil {
		s.forget()
	}
	return err
}

// Alive is nil while the server runs; else a *Failure that says how it ended,
// and the memory limit when that was the reason. It costs nothing. Of an
// attached server nothing is known: nil.
func (s *Server) Alive() error {
	if s.run == nil {
		return nil
	}
	select {
	case <-s.run.done():
	default:
		return nil
	}
	what, cure := s.run.how()
	return &Failure{
		What: fmt.Sprintf("%s: the server %s", s.Name, what), Cure: cure,
		Log: lastLines(s.run.log(), 20), LogFile: s.LogFile, Err: errEndedEarly,
	}
}

var errEndedEarly = errors.New("the server ended by itself")

// Log is the end of what the server wrote, "" when attached.
func (s *Server) Log() string {
	if s.run == nil {
		return ""
	}
	return s.run.log()
}

// Usage asks Docker for the CPU time consumed so far and the bytes in use less
// the page cache. It is for containers whose PID is 0 or whose cgroup cannot be
// read; package usage is faster and knows peaks.
func (s *Server) Usage(ctx context.Context) (cpu time.Duration, memory int64, err error) {
	if s.run == nil {
		return 0, 0, errors.New("an attached server's usage is not known")
	}
	return s.run.usage(ctx)
}
