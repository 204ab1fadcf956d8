package load

import (
	"context"
	"time"
)

// SleepClock is a clock that any platform has, and that follows the virtual time
// of testing/synctest. Go's network poller waits in whole milliseconds, so it
// wakes up to a millisecond late.
func SleepClock() Clock { return sleepClock{} }

type sleepClock struct{}

var _ Clock = sleepClock{}

func (sleepClock) Now() time.Time { return time.Now() }

func (sleepClock) SleepUntil(ctx context.Context, t time.Time) error {
	pause(ctx, time.Until(t))
	return ctx.Err()
}
