package load_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/record"
)

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
		// Sent at 0, 303, 606 and 909 ms (a limit may be 1 % late); the last are
		// given their whole time.
		require.Equal(t, 1212*ms, took)
		require.Equal(t, map[record.Outcome]int{record.Timeout: 20}, count(result.Records))
	})
}

// Requests that share a limit have at least the plan's time and at most 1 % more.
func TestTimeoutIsPreciseToOnePercent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := measure(t, t.Context(), load.Plan{
			Conns: 1, Window: 20 * time.Second, Timeout: time.Second,
		}, &server{service: func(_ time.Time, seq int) time.Duration {
			if seq%10 == 9 {
				return math.MaxInt64
			}
			return 3 * ms
		}})
		require.NoError(t, err)
		require.Greater(t, len(result.Records), 100)
		for _, r := range result.Records {
			if r.Seq%10 != 9 {
				require.Equal(t, record.Good, r.Outcome)
				continue
			}
			require.Equal(t, record.Timeout, r.Outcome)
			require.GreaterOrEqual(t, r.Done-r.Sent, time.Second)
			require.LessOrEqual(t, r.Done-r.Sent, 1010*ms)
		}
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
		require.Equal(t, 5050*ms, result.Records[1].Sent)
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

// A server that takes one user at a time and refuses all others at once is asked
// a hundred times a second at most by each of them, not as fast as they can.
func TestABusyServerIsNotHammered(t *testing.T) {
	for _, o := range []record.Outcome{record.Status, record.Malformed, record.Fault} {
		t.Run(o.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var free time.Time // when it can take another
				refused := map[int]bool{}
				s := &server{
					outcome: func(seq int) record.Outcome {
						mu.Lock()
						defer mu.Unlock()
						if refused[seq] = time.Now().Before(free); refused[seq] {
							return o
						}
						free = time.Now().Add(50 * ms)
						return record.Good
					},
					service: func(_ time.Time, seq int) time.Duration {
						mu.Lock()
						defer mu.Unlock()
						if refused[seq] {
							return 0
						}
						return 50 * ms
					},
				}
				result, _, err := measure(t, t.Context(), load.Plan{Conns: 2, Window: 2 * time.Second, Timeout: time.Minute}, s)
				require.NoError(t, err)
				n := count(result.Records)
				require.GreaterOrEqual(t, n[record.Good], 35)
				require.LessOrEqual(t, n[record.Good], 40)
				require.Positive(t, n[o])
				require.LessOrEqual(t, n[o], 200, "one in 10 ms")
			})
		})
	}
}

// A failure that took its time is followed by the next request at once.
func TestSlowFailuresAreNotPausedAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := measure(t, t.Context(), load.Plan{Conns: 1, Window: time.Second, Timeout: time.Minute},
			&server{service: takes(20 * ms), outcome: func(int) record.Outcome { return record.Status }})
		require.NoError(t, err)
		require.Len(t, result.Records, 50)
	})
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
