package http1

import (
	"context"
	"net"
	"sync"
	"time"
)

// watch lets a context end a connection's blocking calls while a request is
// under way. Requests that share a context share its watch: setting one up is
// most of what this client costs above a raw connection.
type watch struct {
	ctx   context.Context
	conn  net.Conn
	leave func() bool

	mu    sync.Mutex
	busy  bool
	fired bool // conn's deadline has passed for good
}

func newWatch(ctx context.Context, conn net.Conn) *watch {
	w := &watch{ctx: ctx, conn: conn}
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline) // an error here comes back from the next write
	w.leave = context.AfterFunc(ctx, w.fire)
	return w
}

// fire runs when the context is done. Between requests it does nothing, so
// that a context can be cancelled after its last request at no cost.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		w.fired = true
		w.conn.SetDeadline(time.Unix(1, 0))
	}
}

// begin opens a request; an error means that the context is done already, and
// that fire may have passed unheeded.
func (w *watch) begin() error {
	w.mu.Lock()
	w.busy = true
	w.mu.Unlock()
	return w.ctx.Err()
}

// end closes a request and reports whether the connection is still usable.
func (w *watch) end() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	return !w.fired
}

// extend puts off the end of the reads to come, to the context's deadline at
// the latest.
func (w *watch) extend(to time.Time) {
	if limit, ok := w.ctx.Deadline(); ok && limit.Before(to) {
		to = limit
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.fired {
		w.conn.SetReadDeadline(to) // an error here comes back from the next read
	}
}

// due reports whether the context ends what is under way.
func (w *watch) due(now time.Time) bool {
	limit, ok := w.ctx.Deadline()
	return w.ctx.Err() != nil || ok && !now.Before(limit)
}
