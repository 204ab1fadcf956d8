// Package load turns a plan into requests and records. It knows no network: a
// Target opens connections, a Conn sends one request at a time, and everything
// else (when to send, how many at once, what was late) is decided here.
package load

import (
	"context"
	"time"

	"stackbench/internal/record"
)

// Target opens connections to what is measured.
type Target interface {
	// Dial opens one connection. All are open before the clock starts.
	Dial(ctx context.Context) (Conn, error)
}

// Conn carries one request at a time.
type Conn interface {
	// Do sends request number seq of the plan and returns when its answer has
	// ended, ctx is done or the request's deadline (ctx's) has passed. The
	// reply's buffers are valid until the next Do. A Conn that lost its
	// connection opens it again on the next Do.
	Do(ctx context.Context, seq int) record.Reply
	Close() error
}

// Arrivals says when requests are due.
type Arrivals struct {
	Rate    float64 // requests a second; 0 means a closed loop
	Poisson bool    // exponential gaps instead of equal ones
	Seed    uint64  // of the Poisson gaps
}

// Plan is one measured window with its warm-up.
type Plan struct {
	Arrivals Arrivals
	Conns    int           // open connections: the users of a closed loop, the cap of an open one
	Queue    int           // open loop: arrivals that may wait for a connection before the next is dropped
	Warmup   time.Duration // same load, not recorded, handed over without draining
	Window   time.Duration
	Timeout  time.Duration // of one request (up to 1 % more), and of the drain
	First    int           // number of the first request, from which those whose answers are kept follow
	Keep     int           // bytes of answers to keep for checking, evenly thinned over the window
	Marks    Marks
}

// Marks are called at the edges of the window, from one goroutine, and in it.
type Marks struct {
	Open  func()
	Close func()
	// Answer is called by many goroutines, for each good answer of the window
	// with its response time; nil is never called.
	Answer func(took time.Duration)
}

// Result is what a window left.
type Result struct {
	Opened  time.Time // wall clock and monotonic reading at which the window opened
	Window  time.Duration
	Records []record.Record // issued in the window, by issue time; dropped arrivals included
}

// Clock is the time that a schedule is paced on.
type Clock interface {
	Now() time.Time
	// SleepUntil returns at t, or early with ctx's error.
	SleepUntil(ctx context.Context, t time.Time) error
}
