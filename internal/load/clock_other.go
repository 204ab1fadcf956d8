//go:build !linux

package load

// TimerClock is time.Sleep here: only Linux has timers that the runtime's
// poller can wait for.
type TimerClock struct{ sleepClock }

var _ Clock = (*TimerClock)(nil)

// SystemClock is the most precise clock of this platform: a timerfd on Linux,
// time.Sleep elsewhere.
func SystemClock() *TimerClock { return &TimerClock{} }

// Close has nothing to close here.
func (c *TimerClock) Close() error { return nil }
