package load_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/record"
)

const ms = time.Millisecond

// server is a target in virtual time. Its answers are the request's number.
type server struct {
	service  func(arrived time.Time, seq int) time.Duration // how long an answer takes
	outcome  func(seq int) record.Outcome                   // how it ends; nil means well
	dial     func(ctx context.Context, n int) error         // what dial number n, counted from 1, does; nil means well
	dialled  atomic.Int64
	hungUp   atomic.Int64
	requests atomic.Int64
}

func takes(d time.Duration) func(time.Time, int) time.Duration {
	return func(time.Time, int) time.Duration { return d }
}

func never(time.Time, int) time.Duration { return math.MaxInt64 }

func (s *server) Dial(ctx context.Context) (load.Conn, error) {
	n := s.dialled.Add(1)
	if s.dial != nil {
		if err := s.dial(ctx, int(n)); err != nil {
			s.dialled.Add(-1)
			return nil, err
		}
	}
	return &conn{server: s}, nil
}

type conn struct {
	server *server
	body   []byte // used again by the next request, as a wire client would
}

func (c *conn) Close() error {
	c.server.hungUp.Add(1)
	return nil
}

func (c *conn) Do(ctx context.Context, seq int) record.Reply {
	c.server.requests.Add(1)
	r := record.Reply{Sent: time.Now()}
	if c.server.outcome != nil {
		r.Outcome = c.server.outcome(seq)
	}
	t := time.NewTimer(c.server.service(r.Sent, seq))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		r.Done, r.Err = time.Now(), ctx.Err()
		r.Outcome = record.Cancelled
		if errors.Is(r.Err, context.DeadlineExceeded) {
			r.Outcome = record.Timeout
		}
		return r
	}
	r.Done = time.Now()
	if r.Outcome != record.Good {
		r.Err = fmt.Errorf("scripted %v", r.Outcome)
		return r
	}
	c.body = fmt.Appendf(c.body[:0], "answer %d", seq)
	r.First, r.Last, r.Code = r.Done, r.Done, 200
	r.Head, r.Body = []byte("head"), c.body
	return r
}

// measure runs a plan and returns what it left, how long it took and its error.
// No connection may outlive it.
func measure(t *testing.T, ctx context.Context, p load.Plan, s *server) (load.Result, time.Duration, error) {
	t.Helper()
	start := time.Now()
	result, err := load.Run(ctx, p, s, load.SleepClock())
	require.Equal(t, s.dialled.Load(), s.hungUp.Load(), "connections opened and closed")
	return result, time.Since(start), err
}

func count(records []record.Record) map[record.Outcome]int {
	n := make(map[record.Outcome]int)
	for _, r := range records {
		n[r.Outcome]++
	}
	return n
}

func TestClosedLoopCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{service: takes(30 * ms)}
		start := time.Now()
		result, took, err := measure(t, t.Context(), load.Plan{
			Conns: 4, Warmup: 100 * ms, Window: time.Second, Timeout: time.Minute,
		}, s)
		require.NoError(t, err)
		require.Equal(t, start.Add(100*ms), result.Opened)
		require.Equal(t, time.Second, result.Window)
		// Each user sends at 0, 30, 60 ms… of the run: 4 times before the window
		// opens at 100, 33 times in it, and the last (at 1,080) ends after it.
		require.Equal(t, 1110*ms, took)
		require.Len(t, result.Records, 4*33)
		require.EqualValues(t, 4*37, s.requests.Load())
		seen := make(map[int]bool)
		for _, r := range result.Records {
			require.Equal(t, r.Sent, r.Intended)
			require.Equal(t, 20*ms, r.Sent%(30*ms))
			require.Equal(t, r.Sent+30*ms, r.Done)
			require.Equal(t, r.Done, r.Last)
			require.Equal(t, 200, r.Code)
			require.Nil(t, r.Answer)
			seen[r.Seq] = true
		}
		for seq := 16; seq < 4*37; seq++ { // numbers run on from the warm-up
			require.True(t, seen[seq], "request %d", seq)
		}
	})
}

func TestOpenLoopSendsAtTheIntendedInstant(t *testing.T) {
	for _, a := range []load.Arrivals{{Rate: 300}, {Rate: 300, Poisson: true, Seed: 1}} {
		synctest.Test(t, func(t *testing.T) {
			result, _, err := measure(t, t.Context(), load.Plan{
				Arrivals: a, Conns: 64, Queue: 64, Warmup: 100 * ms, Window: 2 * time.Second, Timeout: time.Minute,
			}, &server{service: takes(50 * ms)})
			require.NoError(t, err)
			require.Equal(t, map[record.Outcome]int{record.Good: len(result.Records)}, count(result.Records))
			for i, r := range result.Records {
				require.Equal(t, r.Intended, r.Sent)
				require.Equal(t, result.Records[0].Seq+i, r.Seq)
				require.Less(t, r.Intended, 2*time.Second)
				if !a.Poisson {
					require.Equal(t, 30+i, r.Seq)
					require.InDelta(t, float64(i)*float64(time.Second)/300, float64(r.Intended), 1)
				}
			}
			require.InDelta(t, 600, len(result.Records), 100)
		})
	}
}

// One connection that takes 95.5 ms, an arrival every 10 ms, two may wait: the
// first three are taken, and then one more after each of the ten answers that
// end before the last arrival.
func TestDroppedAndLateArrivalsAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const service = 95*ms + 500*time.Microsecond
		s := &server{service: takes(service)}
		result, took, err := measure(t, t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 100}, Conns: 1, Queue: 2, Window: time.Second, Timeout: time.Minute,
		}, s)
		require.NoError(t, err)
		require.Equal(t, map[record.Outcome]int{record.Good: 13, record.Dropped: 87}, count(result.Records))
		require.Equal(t, 13*service, took, "what waited at the window's end is still served")
		served := 0
		for i, r := range result.Records {
			require.Equal(t, time.Duration(i)*10*ms, r.Intended)
			require.Equal(t, i, r.Seq)
			if r.Outcome == record.Dropped {
				require.Equal(t, record.Record{Seq: i, Intended: r.Intended, Outcome: record.Dropped}, r)
				continue
			}
			require.Equal(t, time.Duration(served)*service, r.Sent, "sent when the one before ended, from which lateness follows")
			served++
		}
	})
}

// With no queue an arrival is dropped exactly when every connection is busy.
func TestNoQueueDropsWhenAllAreBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := measure(t, t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 100}, Conns: 3, Window: time.Second, Timeout: time.Minute,
		}, &server{service: takes(35 * ms)})
		require.NoError(t, err)
		require.Equal(t, map[record.Outcome]int{record.Good: 75, record.Dropped: 25}, count(result.Records))
	})
}

// The stall test: 2,000 requests a second for 8 s, and a server that answers
// nothing for 500 ms. Requests that were due meanwhile waited, whether or not
// there was a connection left to send them on.
func TestStallIsSeenAtAnyConnectionCap(t *testing.T) {
	for _, conns := range []int{16, 64, 512, 2048} {
		t.Run(fmt.Sprint(conns), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const service, at, length = 200 * time.Microsecond, 3 * time.Second, 500 * ms
				from := time.Now().Add(at)
				s := &server{service: func(arrived time.Time, _ int) time.Duration {
					if in := arrived.Sub(from); in >= 0 && in < length {
						return length - in + service
					}
					return service
				}}
				result, _, err := measure(t, t.Context(), load.Plan{
					Arrivals: load.Arrivals{Rate: 2000}, Conns: conns, Queue: 2000, Window: 8 * time.Second, Timeout: time.Minute,
				}, s)
				require.NoError(t, err)
				require.Len(t, result.Records, 16_000)
				var got, truth []float64
				for _, r := range result.Records {
					require.Equal(t, record.Good, r.Outcome)
					got = append(got, (r.Last - r.Intended).Seconds())
					truth = append(truth, s.service(result.Opened.Add(r.Intended), r.Seq).Seconds())
				}
				require.InEpsilon(t, p99(truth), p99(got), 0.05)
			})
		})
	}
}

// p99 is the nearest rank; it sorts v.
func p99(v []float64) float64 {
	slices.Sort(v)
	return v[int(math.Ceil(0.99*float64(len(v))))-1]
}

func TestMarksAreCalledAtTheEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		mark := func() { at = append(at, time.Since(start)) }
		_, _, err := measure(t, t.Context(), load.Plan{
			Conns: 1, Warmup: 250 * ms, Window: time.Second, Timeout: time.Minute, Marks: load.Marks{Open: mark, Close: mark},
		}, &server{service: takes(400 * ms)})
		require.NoError(t, err)
		require.Equal(t, []time.Duration{250 * ms, 1250 * ms}, at)
	})
}

func TestCancelReturnsWhatWasRecorded(t *testing.T) {
	for name, a := range map[string]load.Arrivals{"closed": {}, "open": {Rate: 100}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 400*ms)
				defer cancel()
				marks := 0
				mark := func() { marks++ }
				result, took, err := measure(t, ctx, load.Plan{
					Arrivals: a, Conns: 3, Queue: 10, Warmup: 100 * ms, Window: time.Second, Timeout: time.Minute,
					Marks: load.Marks{Open: mark, Close: mark},
				}, &server{service: takes(70 * ms)})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "300ms into a window of 1s")
				require.Equal(t, 400*ms, took)
				require.Equal(t, 300*ms, result.Window)
				require.Equal(t, 2, marks)
				n := count(result.Records)
				require.Positive(t, n[record.Good])
				require.GreaterOrEqual(t, n[record.Cancelled]+n[record.Timeout], 3, "one in flight on each connection")
				if a.Rate > 0 {
					require.InDelta(t, 30, len(result.Records), 1, "every arrival until then is accounted for")
				}
			})
		})
	}
}

func TestCancelInWarmupRecordsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		result, took, err := measure(t, ctx, load.Plan{
			Conns: 2, Warmup: 100 * ms, Window: time.Second, Timeout: time.Minute,
			Marks: load.Marks{Open: func() { t.Error("the window never opened") }},
		}, &server{service: takes(10 * ms)})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 50*ms, took)
		require.Empty(t, result.Records)
		require.Zero(t, result.Window)
	})
}

func TestServerThatNeverAnswersTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, took, err := measure(t, t.Context(), load.Plan{
			Conns: 5, Window: time.Second, Timeout: 300 * ms,
		}, &server{service: never})
		require.NoError(t, err)
		// Sent at 0, 300, 600 and 900 ms; the last are given their whole time.
		require.Equal(t, 1200*ms, took)
		require.Equal(t, map[record.Outcome]int{record.Timeout: 20}, count(result.Records))
	})
}

// The drain lasts no longer than one request may: what is then in flight or
// still waiting is cancelled, and in the records.
func TestDrainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{service: never}
		result, took, err := measure(t, t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 10}, Conns: 1, Queue: 100, Window: time.Second, Timeout: 5 * time.Second,
		}, s)
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, took)
		require.Equal(t, time.Second, result.Window)
		require.Equal(t, map[record.Outcome]int{record.Timeout: 1, record.Cancelled: 9}, count(result.Records))
		require.EqualValues(t, 2, s.requests.Load())
		require.Equal(t, 5*time.Second, result.Records[1].Sent)
		require.Zero(t, result.Records[2].Sent, "never sent")
		require.Equal(t, "context canceled", result.Records[2].Err)
	})
}

// A server that closes connections half-way, or is gone, is not hammered.
func TestLostConnectionsAreCountedAndNotHammered(t *testing.T) {
	for _, o := range []record.Outcome{record.Refused, record.Cut} {
		t.Run(o.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result, _, err := measure(t, t.Context(), load.Plan{
					Conns: 1, Window: time.Second, Timeout: time.Minute,
				}, &server{service: takes(0), outcome: func(int) record.Outcome { return o }})
				require.NoError(t, err)
				require.Equal(t, map[record.Outcome]int{o: 100}, count(result.Records))
				require.Equal(t, "scripted "+o.String(), result.Records[0].Err)
			})
		})
	}
}

func TestEveryOtherAnswerCutHalfWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := measure(t, t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 100}, Conns: 8, Queue: 8, Window: time.Second, Timeout: time.Minute,
		}, &server{service: takes(20 * ms), outcome: func(seq int) record.Outcome {
			return []record.Outcome{record.Good, record.Cut}[seq%2]
		}})
		require.NoError(t, err)
		require.Equal(t, map[record.Outcome]int{record.Good: 50, record.Cut: 50}, count(result.Records))
	})
}

func TestDialFailureClosesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("too many open files")
		s := &server{service: takes(ms), dial: func(_ context.Context, n int) error {
			if n == 50 {
				return full
			}
			return nil
		}}
		result, _, err := measure(t, t.Context(), load.Plan{Conns: 200, Window: time.Second, Timeout: time.Minute}, s)
		require.ErrorIs(t, err, full)
		require.ErrorContains(t, err, "dial connection")
		require.ErrorContains(t, err, "of 200")
		require.Empty(t, result.Records)
		require.Zero(t, s.requests.Load())
	})
}

func TestDialThatHangsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{service: takes(ms), dial: func(ctx context.Context, n int) error {
			if n < 3 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		_, took, err := measure(t, t.Context(), load.Plan{Conns: 100, Window: time.Second, Timeout: 2 * time.Second}, s)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 2*time.Second, took)
	})
}

func TestConnectionsAreOpenBeforeTheClockStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{service: takes(ms), dial: func(context.Context, int) error {
			time.Sleep(10 * ms) // virtual
			return nil
		}}
		start := time.Now()
		result, _, err := measure(t, t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 100}, Conns: 320, Window: 100 * ms, Timeout: time.Minute,
		}, s)
		require.NoError(t, err)
		require.Equal(t, 100*ms, result.Opened.Sub(start), "320 dials, 32 at a time")
		require.Equal(t, map[record.Outcome]int{record.Good: 10}, count(result.Records))
	})
}

func TestKeptAnswersAreCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 1000
		result, _, err := measure(t, t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 1000}, Conns: 4, Queue: 100, Warmup: 100 * ms, Window: time.Second,
			Timeout: time.Minute, Keep: budget,
		}, &server{service: takes(2 * ms)})
		require.NoError(t, err)
		kept, bytes := 0, 0
		for _, r := range result.Records {
			if r.Answer == nil {
				continue
			}
			kept++
			bytes += len(r.Answer.Head) + len(r.Answer.Body)
			require.Equal(t, "head", string(r.Answer.Head))
			require.Equal(t, fmt.Sprintf("answer %d", r.Seq), string(r.Answer.Body))
		}
		require.LessOrEqual(t, bytes, budget)
		require.Greater(t, kept, 20)
	})
}

func TestFailedAnswersAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := measure(t, t.Context(), load.Plan{
			Conns: 1, Window: 100 * ms, Timeout: time.Minute, Keep: 1 << 20,
		}, &server{service: takes(10 * ms), outcome: func(seq int) record.Outcome {
			return []record.Outcome{record.Good, record.Status}[seq%2]
		}})
		require.NoError(t, err)
		require.Len(t, result.Records, 10)
		for _, r := range result.Records {
			require.Equal(t, r.Outcome == record.Good, r.Answer != nil)
		}
	})
}

// broken is a clock whose sleeps fail from some number on.
type broken struct {
	load.Clock
	left int
}

func (b *broken) SleepUntil(ctx context.Context, t time.Time) error {
	if b.left--; b.left < 0 {
		return errors.New("open timerfd: too many open files")
	}
	return b.Clock.SleepUntil(ctx, t)
}

func TestClockThatFailsEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, err := load.Run(t.Context(), load.Plan{
			Arrivals: load.Arrivals{Rate: 10}, Conns: 1, Window: time.Minute, Timeout: time.Minute,
		}, &server{service: takes(ms)}, &broken{Clock: load.SleepClock(), left: 5})
		require.ErrorContains(t, err, "pace load: open timerfd: too many open files")
		require.Len(t, result.Records, 5)
		require.Equal(t, 400*ms, result.Window)
	})
}

func TestPlansThatMakeNoSense(t *testing.T) {
	good := load.Plan{Conns: 1, Window: time.Second, Timeout: time.Second}
	for want, spoil := range map[string]func(*load.Plan){
		"0 connections":      func(p *load.Plan) { p.Conns = 0 },
		"window of 0s":       func(p *load.Plan) { p.Window = 0 },
		"timeout of 0s":      func(p *load.Plan) { p.Timeout = 0 },
		"warm-up -1ns":       func(p *load.Plan) { p.Warmup = -1 },
		"queue -1":           func(p *load.Plan) { p.Queue = -1 },
		"keep -1":            func(p *load.Plan) { p.Keep = -1 },
		"rate of -1":         func(p *load.Plan) { p.Arrivals.Rate = -1 },
		"rate of +Inf":       func(p *load.Plan) { p.Arrivals.Rate = math.Inf(1) },
		"rate of NaN":        func(p *load.Plan) { p.Arrivals.Rate = math.NaN() },
		"window of -1s":      func(p *load.Plan) { p.Window = -time.Second },
		"-3 connections":     func(p *load.Plan) { p.Conns = -3 },
		"timeout of -1m0s":   func(p *load.Plan) { p.Timeout = -time.Minute },
		"without a limit":    func(p *load.Plan) { p.Timeout = 0 },
		"open at least one":  func(p *load.Plan) { p.Conns = 0 },
		"give a finite rate": func(p *load.Plan) { p.Arrivals.Rate = math.NaN() },
	} {
		p := good
		spoil(&p)
		s := &server{}
		_, err := load.Run(t.Context(), p, s, load.SleepClock())
		require.ErrorContains(t, err, want)
		require.Zero(t, s.dialled.Load())
	}
}
