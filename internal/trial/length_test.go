package trial

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/suite"
	"stackbench/internal/task"
)

// answering answers every request after the same time.
type answering struct{ after time.Duration }

func (a answering) Dial(context.Context) (load.Conn, error) { return a, nil }

func (a answering) Do(ctx context.Context, _ int) record.Reply {
	sent := time.Now()
	select {
	case <-time.After(a.after):
	case <-ctx.Done():
		return record.Reply{Sent: sent, Done: time.Now(), Outcome: record.Cancelled, Err: ctx.Err()}
	}
	now := time.Now()
	return record.Reply{Sent: sent, First: now, Last: now, Done: now}
}

func (answering) Close() error { return nil }

// timers is a clock that a synctest bubble moves.
type timers struct{}

func (timers) Now() time.Time { return time.Now() }

func (timers) SleepUntil(ctx context.Context, t time.Time) error {
	select {
	case <-time.After(time.Until(t)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestAWindowIsAsLongAsItsRequestsNeed: by a pilot on a server of a known time.
func TestAWindowIsAsLongAsItsRequestsNeed(t *testing.T) {
	const sec, ms = time.Second, time.Millisecond
	short := suite.Options{Profile: suite.Standard, Window: 5 * sec}
	for name, c := range map[string]struct {
		o       suite.Options
		load    suite.Load
		answers time.Duration
		window  time.Duration // about
		pilots  int
	}{
		"long enough as it is":      {short, suite.Closed(1), 8 * ms, 5 * sec, 1},
		"the profile's is enough":   {suite.Options{Profile: suite.Standard}, suite.Closed(1), 100 * ms, 30 * sec, 1},
		"a p95 of slow answers":     {short, suite.Closed(1), 270 * ms, 37 * sec, 1},
		"rounds of many users":      {short, suite.Closed(8), sec, 26 * sec, 2}, // the first pilot holds four rounds
		"bounded":                   {short, suite.Closed(1), 4 * sec, 150 * sec, 2},
		"bounded by what was asked": {suite.Options{Profile: suite.Standard, Window: 200 * sec}, suite.Closed(1), 4 * sec, 200 * sec, 2},
		"full":                      {suite.Options{Profile: suite.Full}, suite.Closed(1), 4 * sec, 300 * sec, 1 + 1},
		"an open loop":              {short, suite.Open(4), 40 * ms, 41 * sec, 1},
		"in which requests wait":    {short, suite.Open(20), 60 * ms, 81 * sec, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			pilots := 0
			p := planOf(suite.Case{Load: c.load}, c.o, load.Marks{Open: func() { t.Error("a pilot is not measured") }})
			got, err := piloted(c.o, p, func(pilot load.Plan) (meter.Window, error) {
				pilots++
				res, err := load.Run(t.Context(), pilot, answering{c.answers}, timers{})
				return windowOf(suite.Group{}, suite.Case{Load: c.load}, res, &task.Work{}, pilot), err
			})
			require.NoError(t, err)
			require.InDelta(t, c.window.Seconds(), got.Window.Seconds(), 0.06*c.window.Seconds(), name)
			require.Equal(t, c.pilots, pilots, name)
			require.Equal(t, sec, got.Warmup)
			require.NotNil(t, got.Marks.Open)
		})
	}
}

func TestAPilotThatFailsIsTold(t *testing.T) {
	_, err := piloted(suite.Options{Profile: suite.Standard}, load.Plan{}, func(load.Plan) (meter.Window, error) { return meter.Window{}, errors.New("gone") })
	require.EqualError(t, err, "gone")
}

func TestQuickTakesWhatWasAskedFor(t *testing.T) {
	r := &Rig{Options: suite.Options{Profile: suite.Quick}}
	p := load.Plan{Window: 3 * time.Second}
	got, err := r.lengthen(t.Context(), Leaf{}, nil, p)
	require.NoError(t, err)
	require.Equal(t, p, got)
}
