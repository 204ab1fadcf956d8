// Package fake holds in-process servers with scripted delays and faults: the
// truth that tests measure against. The HTTP server is also the reference
// server of the load benchmarks, so it does as little as a server can.
package fake

import (
	"sync"
	"time"
)

// Kind is what goes wrong with a request.
type Kind string

const (
	None    Kind = ""        // nothing: the scripted answer
	Drop    Kind = "drop"    // the connection is closed instead of an answer
	Half    Kind = "half"    // the connection is closed in the middle of the body
	Reset   Kind = "reset"   // as Half, but by a reset (RST)
	Silent  Kind = "silent"  // the request is read and never answered
	Garbage Kind = "garbage" // bytes of another protocol, then the connection is closed
)

// Fault says which requests go wrong, and how.
type Fault struct {
	Kind  Kind
	Every int // every n-th request, the n-th first; 0 and 1 mean all
}

// hits reports whether request number n, counted from 1, goes wrong.
func (f Fault) hits(n int64) bool {
	return f.Kind != None && (f.Every <= 1 || n%int64(f.Every) == 0)
}

// Stall freezes the whole server once: whatever arrives in [At, At+For), both
// counted from the first request's arrival, is answered after its end.
type Stall struct {
	At  time.Duration
	For time.Duration
}

// journal numbers requests and keeps their arrival times. Each connection has
// its own log, so that connections do not contend for one lock.
type journal struct {
	mu    sync.Mutex
	start time.Time
	first time.Time
	count int64
	logs  []*arrivals
}

type arrivals struct {
	mu sync.Mutex
	at []time.Duration // since journal.start
}

func newJournal() *journal { return &journal{start: time.Now()} }

// open adds a connection's log.
func (j *journal) open() *arrivals {
	a := &arrivals{}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.logs = append(j.logs, a)
	return a
}

// arrive stamps one request and returns its number, counted from 1, its
// arrival and the first arrival of all.
func (j *journal) arrive(a *arrivals) (n int64, now, first time.Time) {
	now = time.Now()
	a.mu.Lock()
	a.at = append(a.at, now.Sub(j.start))
	a.mu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.count++; j.count == 1 {
		j.first = now
	}
	return j.count, now, j.first
}

// times returns all arrivals so far, in no particular order across connections.
func (j *journal) times() []time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]time.Time, 0, j.count)
	for _, a := range j.logs {
		a.mu.Lock()
		for _, d := range a.at {
			all = append(all, j.start.Add(d))
		}
		a.mu.Unlock()
	}
	return all
}

// wait is how long a request that arrived at now waits before its answer.
func wait(now, first time.Time, delay time.Duration, s Stall) time.Duration {
	from, to := first.Add(s.At), first.Add(s.At+s.For)
	if s.For > 0 && !now.Before(from) && now.Before(to) {
		return to.Sub(now) + delay
	}
	return delay
}

// pause sleeps for d and reports true, or false at once when done closes first.
func pause(done <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done:
		return false
	}
}
