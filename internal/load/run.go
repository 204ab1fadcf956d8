package load

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// dialers is how many connections are opened at once: more would overrun a
// server's accept queue, fewer would make 1,000 connections slow to open.
const dialers = 32

// Run opens every connection, applies the warm-up and the window, waits at most
// Timeout for the answers still due, and returns what the window left. Whatever
// is outstanding after that is recorded as cancelled.
//
// An error comes from a plan that makes no sense, a connection that could not be
// opened, a clock that failed, or ctx. In the last two cases the result holds
// what had been recorded, and Result.Window the part of the window that passed.
func Run(ctx context.Context, p Plan, t Target, c Clock) (Result, error) {
	if err := p.check(); err != nil {
		return Result{}, err
	}
	conns, err := dial(ctx, p, t)
	if err != nil {
		return Result{}, err
	}
	defer hangUp(conns)
	r := &run{plan: p, clock: c, begun: make(chan struct{}), queue: make(chan arrival, p.Conns+p.Queue)}
	r.keeper.budget = int64(p.Keep)
	r.seq.Store(int64(p.First))
	return r.drive(ctx, conns)
}

// check finds the plans that cannot be run.
func (p Plan) check() error {
	switch {
	case p.Conns < 1:
		return fmt.Errorf("load plan: %d connections: open at least one", p.Conns)
	case p.Window <= 0:
		return fmt.Errorf("load plan: window of %v: measure for longer than nothing", p.Window)
	case p.Timeout <= 0:
		return fmt.Errorf("load plan: timeout of %v: without a limit a silent server would hang the run", p.Timeout)
	case p.Warmup < 0 || p.Queue < 0 || p.Keep < 0 || p.First < 0:
		return fmt.Errorf("load plan: warm-up %v, queue %d, keep %d, first %d: none may be negative", p.Warmup, p.Queue, p.Keep, p.First)
	case p.Arrivals.Rate < 0 || math.IsNaN(p.Arrivals.Rate) || math.IsInf(p.Arrivals.Rate, 0):
		return fmt.Errorf("load plan: rate of %v requests a second: give a finite rate, or 0 for a closed loop", p.Arrivals.Rate)
	}
	return nil
}

// dial opens all connections, or none.
func dial(ctx context.Context, p Plan, t Target) ([]Conn, error) {
	conns := make([]Conn, p.Conns)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	for i := range conns {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			limited, cancel := context.WithTimeout(ctx, p.Timeout)
			defer cancel()
			c, err := t.Dial(limited)
			if err != nil {
				return fmt.Errorf("dial connection %d of %d: %w", i+1, p.Conns, err)
			}
			conns[i] = c
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		hangUp(conns)
		return nil, err
	}
	return conns, nil
}

// hangUp closes what was opened. Errors say nothing about the measurement,
// which is over or never began.
func hangUp(conns []Conn) {
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
}

// run is one plan under way.
type run struct {
	plan   Plan
	clock  Clock
	begun  chan struct{} // closed once the three times are set
	start  time.Time     // of the warm-up
	opened time.Time     // the window's edges
	closed time.Time
	seq    atomic.Int64 // next request of a closed loop
	queue  chan arrival // of an open loop: waiting for a worker to take them
	open   atomic.Int64 // of an open loop: arrivals waiting or being served
	keeper keeper
}

// drive runs the plan over open connections.
func (r *run) drive(ctx context.Context, conns []Conn) (Result, error) {
	requests, end := context.WithCancel(ctx)
	defer end()
	var crew sync.WaitGroup
	workers := make([]worker, len(conns))
	for i, c := range conns {
		workers[i].run, workers[i].conn = r, c
		crew.Go(func() { workers[i].work(requests) })
	}
	// The workers exist before the clock starts, so that spawning 1,000 of them
	// makes no arrival late.
	r.start = r.clock.Now()
	r.opened = r.start.Add(r.plan.Warmup)
	r.closed = r.opened.Add(r.plan.Window)
	close(r.begun)

	var dropped ledger
	var paced error
	if r.plan.Arrivals.Rate > 0 {
		crew.Go(func() {
			if paced = r.pace(requests, &dropped); paced != nil {
				end()
			}
		})
	}
	drain := time.AfterFunc(r.closed.Add(r.plan.Timeout).Sub(r.clock.Now()), end)
	defer drain.Stop()
	r.mark(requests)
	crew.Wait()

	passed := min(max(r.clock.Now().Sub(r.opened), 0), r.plan.Window)
	result := Result{Opened: r.opened, Window: passed, Records: r.collect(workers, &dropped)}
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("load stopped %v into a window of %v: %w", passed, r.plan.Window, err)
	}
	if paced != nil {
		return result, fmt.Errorf("pace load: %w", paced)
	}
	return result, nil
}

// mark calls the plan's marks at the window's edges. Once Open was called,
// Close is too, however the window ends.
func (r *run) mark(ctx context.Context) {
	if !pause(ctx, r.opened.Sub(r.clock.Now())) {
		return
	}
	if r.plan.Marks.Open != nil {
		r.plan.Marks.Open()
	}
	pause(ctx, r.closed.Sub(r.clock.Now()))
	if r.plan.Marks.Close != nil {
		r.plan.Marks.Close()
	}
}

// pause waits for d and reports true, or false as soon as ctx is done.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
