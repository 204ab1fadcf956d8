package boot

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// ErrInterrupted is the cause of a context that a signal ended.
var ErrInterrupted = errors.New("interrupted")

// Interrupted is the exit code of a process that ended early because the user
// asked for that by SIGINT, as shells count it.
const Interrupted = 128 + int(syscall.SIGINT)

var errEnding = errors.New("the run is ending")

// guard knows the servers that are up and ends them on a signal. It travels in
// the context, so that nothing is global. A nil guard guards nothing.
type guard struct {
	cancel  context.CancelCauseFunc
	ending  chan struct{} // closed by the first SIGINT
	mu      sync.Mutex
	closed  bool
	pending int           // starts under way
	idle    chan struct{} // closed when closed and nothing is pending
	up      []*Server
}

type guardKey struct{}

func guardOf(ctx context.Context) *guard {
	g, _ := ctx.Value(guardKey{}).(*guard)
	return g
}

// Guard takes the signals of this process over, and is the only place that
// does. A command or a TestMain calls it once and runs everything in the
// context that it returns:
//
//   - the first SIGINT (Ctrl-C) closes Ending: finish the window, keep what is done;
//   - a second one, SIGTERM or SIGHUP cancels the context with ErrInterrupted,
//     stops every server and ends the process with 128 + the signal's number.
//
// stop stops every server that is still up and gives the signals back. Defer
// it, so that it runs in a panic too, and call it before os.Exit.
func Guard(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	g := &guard{cancel: cancel, ending: make(chan struct{}), idle: make(chan struct{})}
	signals := make(chan os.Signal, 4)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup has it
			signal.Notify(signals, s)
		}
	}
	quit := make(chan struct{})
	go g.listen(signals, quit)
	var once sync.Once
	return context.WithValue(ctx, guardKey{}, g), func() {
		once.Do(func() {
			g.shutdown(context.Canceled)
			signal.Stop(signals)
			close(quit)
		})
	}
}

// Ending is closed when the user asked to end after the current window. It is
// nil, and so never ready, where no Guard is in the context.
func Ending(ctx context.Context) <-chan struct{} {
	if g := guardOf(ctx); g != nil {
		return g.ending
	}
	return nil
}

func (g *guard) listen(signals <-chan os.Signal, quit <-chan struct{}) {
	asked := false
	for {
		select {
		case <-quit:
			return
		case s := <-signals:
			if s == syscall.SIGINT && !asked {
				asked = true
				close(g.ending)
				continue
			}
			g.shutdown(ErrInterrupted)
			n, _ := s.(syscall.Signal)
			os.Exit(128 + int(n))
		}
	}
}

// shutdown cancels, waits for starts under way to clean up after themselves,
// and stops what is up. It gives up after twice the grace: the watchdogs do
// the rest when the process ends.
func (g *guard) shutdown(cause error) {
	g.cancel(cause)
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		if g.pending == 0 {
			close(g.idle)
		}
	}
	g.mu.Unlock()
	limit := time.NewTimer(2 * grace)
	defer limit.Stop()
	select {
	case <-g.idle:
	case <-limit.C:
		return
	}
	g.mu.Lock()
	up := slices.Clone(g.up)
	g.mu.Unlock()
	var all sync.WaitGroup
	for _, s := range up {
		all.Go(func() { _ = s.run.stop() })
	}
	gone := make(chan struct{})
	go func() { all.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-limit.C:
	}
}

// begin announces a start; false means that none is wanted any more.
func (g *guard) begin() bool {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.pending++
	return true
}

func (g *guard) end() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending--
	if g.closed && g.pending == 0 {
		close(g.idle)
	}
}

// add takes a server that is up into care until it is stopped.
func (g *guard) add(s *Server) {
	if g == nil || s.run == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.up = append(g.up, s)
	s.forget = func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.up = slices.DeleteFunc(g.up, func(x *Server) bool { return x == s })
	}
}
