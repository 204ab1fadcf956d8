package boot

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// await polls probe until it succeeds. Pauses are a twentieth of the time
// waited so far, from 5 ms to 250 ms, so that the time to readiness is known to
// about 5 % and a slow server is not disturbed. It returns
// errEnded as soon as that channel is closed, a *Wrong when probe does twice in a
// row (the first may be the last word of a server that ends), and a *late at the
// limit. probe must return when its context is done.
func await(ctx context.Context, limit time.Duration, ended <-chan struct{}, probe func(context.Context) error) error {
	started := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLimit)
	defer cancel()
	last, wrongBefore := errors.New("no attempt was made"), false
	go func() { // an attempt must not outlive the server
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		// A server that takes a request and never answers must not eat the whole limit.
		try, done := context.WithTimeout(ctx, max(limit/4, 5*time.Second))
		err := probe(try)
		done()
		if err == nil {
			return nil
		}
		var wrong *Wrong
		if errors.As(err, &wrong) && wrongBefore {
			return wrong
		}
		wrongBefore = wrong != nil
		// An attempt that the limit cut short says nothing. Its socket may know of
		// the deadline before the context does.
		if end, _ := ctx.Deadline(); ctx.Err() == nil && time.Now().Before(end) {
			last = err
		}
		pause := time.NewTimer(min(max(time.Since(started)/20, 5*time.Millisecond), 250*time.Millisecond))
		select {
		case <-pause.C:
		case <-ended:
			pause.Stop()
			return errEnded
		case <-ctx.Done():
			pause.Stop()
			select {
			case <-ended: // which cancels ctx too
				return errEnded
			default:
			}
			if errors.Is(context.Cause(ctx), errLimit) {
				return &late{limit: limit, last: last}
			}
			return fmt.Errorf("wait for a correct reply: %w", context.Cause(ctx))
		}
	}
}

// Wrong is of a server that answers, and not what it should. Ready returns it
// where waiting has no point.
type Wrong struct{ Err error }

func (w *Wrong) Error() string { return w.Err.Error() }

func (w *Wrong) Unwrap() error { return w.Err }

// cureWrong is what to do about one.
const cureWrong = "check that it serves this model with these weights, and the versions of what it computes with"

var (
	errLimit = errors.New("the start limit passed")
	errEnded = errors.New("it ended before it was ready")
)

// late says that no correct reply came within the stack's limit.
type late struct {
	limit time.Duration
	last  error // of the last attempt
}

func (e *late) Error() string {
	return fmt.Sprintf("no correct reply within %v; the last attempt: %v", e.limit, e.last)
}

func (e *late) Unwrap() error { return e.last }
