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
	writing  time.Duration                                  // from the call of Do to the first byte sent
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
	time.Sleep(c.server.writing) // virtual
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

// A closed loop counts by the instant of sending, not by when a user began.
func TestClosedLoopCountsBySend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := measure(t, t.Context(), load.Plan{
			Conns: 1, Warmup: 95 * ms, Window: 100 * ms, Timeout: time.Minute,
		}, &server{writing: 10 * ms, service: takes(10 * ms)})
		require.NoError(t, err)
		// Begun at 80, 100 … 180 ms of the run, sent at 90, 110 … 190; the window is [95, 195).
		require.Len(t, result.Records, 5)
		require.Equal(t, 15*ms, result.Records[0].Sent)
		require.Equal(t, 5, result.Records[0].Seq)

		result, _, err = measure(t, t.Context(), load.Plan{
			Conns: 1, Warmup: 85 * ms, Window: 100 * ms, Timeout: time.Minute,
		}, &server{writing: 10 * ms, service: takes(10 * ms)})
		require.NoError(t, err)
		// [85, 185): begun at 80 and sent at 90 counts, begun at 180 and sent at 190 does not.
		require.Len(t, result.Records, 5)
		require.Equal(t, 5*ms, result.Records[0].Sent)
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
				require.Equal(t, map[record.Outcome]int{record.Good: 16_000}, count(result.Records))
				var got, truth []float64
				for _, r := range result.Records {
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

// The first request's number is the plan's, in both kinds of loop.
func TestNumbersCountFromThePlansFirst(t *testing.T) {
	for name, a := range map[string]load.Arrivals{"closed": {}, "open": {Rate: 100}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result, _, err := measure(t, t.Context(), load.Plan{
					Arrivals: a, Conns: 1, Queue: 8, Window: 100 * ms, Timeout: time.Second, First: 4711,
				}, &server{service: takes(ms)})
				require.NoError(t, err)
				require.Equal(t, 4711, result.Records[0].Seq)
				require.Equal(t, 4711+len(result.Records)-1, result.Records[len(result.Records)-1].Seq)
			})
		})
	}
}
