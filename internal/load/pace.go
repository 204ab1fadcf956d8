package load

import (
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"stackbench/internal/record"
)

// arrival is a request that is due.
type arrival struct {
	seq      int
	intended time.Duration // since the window's opening
}

// pace hands each arrival to the workers when it is due. The schedule is
// absolute: being late once makes no later arrival late. With every connection
// busy an arrival waits; with the plan's number of them waiting it is dropped,
// for a queue without a bound would only hide the overload.
func (r *run) pace(ctx context.Context, dropped *ledger) error {
	defer close(r.queue)
	seq := r.plan.First
	for due := range r.plan.Arrivals.offsets() {
		if due >= r.plan.Warmup+r.plan.Window {
			break
		}
		if err := r.clock.SleepUntil(ctx, r.start.Add(due)); err != nil {
			return err
		}
		a := arrival{seq: seq, intended: due - r.plan.Warmup}
		seq++
		if r.open.Add(1) <= int64(cap(r.queue)) {
			r.queue <- a // never blocks: the queue holds every arrival that is open
			continue
		}
		r.open.Add(-1)
		if a.intended >= 0 {
			dropped.add(record.Record{Seq: a.seq, Intended: a.intended, Outcome: record.Dropped})
		}
	}
	return nil
}

// offsets yields when requests are due, counted from the schedule's start,
// without end.
func (a Arrivals) offsets() iter.Seq[time.Duration] {
	if a.Poisson {
		return poisson(a.Rate, a.Seed)
	}
	return constant(a.Rate)
}

// constant puts request n at n/rate seconds, each computed anew so that
// rounding does not add up.
func constant(rate float64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for n := 0; yield(nanoseconds(float64(n) * 1e9 / rate)); n++ {
		}
	}
}

// poisson puts exponential gaps of mean 1/rate seconds between requests, and
// before the first. The same seed gives the same schedule.
func poisson(rate float64, seed uint64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		gaps := rand.New(rand.NewPCG(seed, 0))
		due := gaps.ExpFloat64()
		for yield(nanoseconds(due * 1e9 / rate)) {
			due += gaps.ExpFloat64()
		}
	}
}

// nanoseconds rounds, and stops at the largest duration: a rate near zero asks
// for instants that no integer holds.
func nanoseconds(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(ns))
}
