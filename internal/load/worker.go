package load

import (
	"context"
	"slices"
	"time"

	"stackbench/internal/record"
)

// breath is how long a user of a closed loop waits after it lost its connection
// or could not make one, and the least time that a failure of another kind takes
// it. Without it a server that is gone would be dialled as fast as the client
// can, one that is busy be asked tens of thousands of times a second, and the
// records would fill the memory.
const breath = 10 * time.Millisecond

// worker drives one connection. Nothing it touches for each request is shared,
// but for one atomic counter or the queue it takes arrivals from.
type worker struct {
	run    *run
	conn   Conn
	ledger ledger
	sample sample
	limit  context.Context // of requests begun until renew
	expire context.CancelFunc
	renew  time.Time
}

// work sends requests until the plan has no more of them.
func (w *worker) work(ctx context.Context) {
	// A context of its own: requests of different workers then do not meet at
	// one parent's lock.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	<-w.run.begun
	if w.run.plan.Arrivals.Rate > 0 {
		w.takeArrivals(ctx)
	} else {
		w.loop(ctx)
	}
}

// loop is one user of a closed loop: the next request follows the last answer.
func (w *worker) loop(ctx context.Context) {
	for ctx.Err() == nil {
		now := w.run.clock.Now()
		if !now.Before(w.run.closed) {
			return
		}
		seq := int(w.run.seq.Add(1) - 1)
		reply := w.send(ctx, now, seq)
		if !reply.Sent.IsZero() {
			now = reply.Sent
		}
		w.note(seq, now.Sub(w.run.opened), reply)
		switch reply.Outcome {
		case record.Good:
		case record.Refused, record.Cut:
			pause(ctx, breath)
		default:
			pause(ctx, breath-w.run.clock.Now().Sub(now))
		}
	}
}

// takeArrivals serves the queue of an open loop. What is left in it when the
// run ends was never sent, and is recorded as cancelled.
func (w *worker) takeArrivals(ctx context.Context) {
	for a := range w.run.queue {
		reply := record.Reply{Outcome: record.Cancelled, Err: context.Canceled}
		if ctx.Err() == nil {
			reply = w.send(ctx, w.run.clock.Now(), a.seq)
		}
		w.run.open.Add(-1)
		w.note(a.seq, a.intended, reply)
	}
}

// send issues one request with the plan's time limit, or up to a hundredth
// more: requests of the same hundredth share a context, as one for each would
// cost as much as the rest of the engine.
func (w *worker) send(ctx context.Context, now time.Time, seq int) record.Reply {
	if w.limit == nil || now.After(w.renew) {
		if w.expire != nil {
			w.expire()
		}
		slack := w.run.plan.Timeout / 100
		w.renew = now.Add(slack)
		w.limit, w.expire = context.WithDeadline(ctx, w.renew.Add(w.run.plan.Timeout))
	}
	return w.conn.Do(w.limit, seq)
}

// note records a request if it was issued in the window.
func (w *worker) note(seq int, intended time.Duration, reply record.Reply) {
	if intended < 0 || intended >= w.run.plan.Window {
		return
	}
	since := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0
		}
		return t.Sub(w.run.opened)
	}
	entry := w.ledger.add(record.Record{
		Seq:      seq,
		Intended: intended,
		Sent:     since(reply.Sent),
		First:    since(reply.First),
		Last:     since(reply.Last),
		Done:     since(reply.Done),
		Outcome:  reply.Outcome,
		Code:     reply.Code,
	})
	if reply.Err != nil {
		entry.Err = reply.Err.Error()
	}
	if reply.Output != nil {
		own := *reply.Output
		own.Chunks = slices.Clone(own.Chunks)
		entry.Output = &own
	}
	if f := w.run.plan.Marks.Answer; f != nil && reply.Outcome == record.Good {
		f(entry.Last - entry.Intended)
	}
	if reply.Outcome == record.Good && !reply.Unkept {
		w.sample.offer(&w.run.keeper, entry, reply)
	}
}
