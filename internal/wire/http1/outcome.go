package http1

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"stackbench/internal/record"
)

// judged closes the record of a complete answer.
func judged(r record.Reply) record.Reply {
	if r.Code >= 200 && r.Code <= 299 {
		r.Outcome = record.Good
		return r
	}
	r.Outcome = record.Status
	r.Err = fmt.Errorf("status %d: %.200q", r.Code, r.Body)
	return r
}

// failed closes the record of a request that has no complete answer; other is
// the outcome when neither time, nor the run's end, nor the bytes are at fault.
func failed(ctx context.Context, r record.Reply, err error, other record.Outcome) record.Reply {
	r.Done = time.Now()
	r.Err = err
	var nonsense malformed
	var late net.Error
	var quiet silenced
	var large oversize
	switch {
	case errors.As(err, &large):
		r.Outcome = record.Oversize
	case errors.As(err, &nonsense):
		r.Outcome = record.Malformed
	case errors.As(err, &quiet):
		r.Outcome = record.Silent
	case errors.Is(ctx.Err(), context.Canceled):
		r.Outcome = record.Cancelled
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		r.Outcome = record.Timeout
	default:
		r.Outcome = other
	}
	return r
}
