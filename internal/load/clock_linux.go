package load

import (
	"context"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// TimerClock sleeps on a timerfd that the runtime's poller waits for like for a
// socket. It wakes within tens of microseconds, where time.Sleep is up to a
// millisecond late (golang/go#44343), without a thread and without spinning.
// SleepUntil must not be called by two goroutines at once.
type TimerClock struct {
	file *os.File
	raw  syscall.RawConn
	base time.Time // an instant, as Go's clock reads it
	mono int64     // the same instant on CLOCK_MONOTONIC, in nanoseconds
}

var _ Clock = (*TimerClock)(nil)

// SystemClock is the most precise clock of this platform: a timerfd on Linux,
// time.Sleep elsewhere. The descriptor is opened by the first sleep, whose error
// says if that failed, and closed by Close.
func SystemClock() *TimerClock { return &TimerClock{} }

// Now reads Go's clock.
func (c *TimerClock) Now() time.Time { return time.Now() }

// SleepUntil returns at t, or early with ctx's error.
func (c *TimerClock) SleepUntil(ctx context.Context, t time.Time) error {
	if c.file == nil {
		if err := c.open(); err != nil {
			return err
		}
	}
	raw := c.raw // for a cancellation that outlives Close
	var expirations [8]byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !time.Now().Before(t) {
			return nil
		}
		if err := arm(raw, c.mono+int64(t.Sub(c.base))); err != nil {
			return err
		}
		// Armed before ctx is watched: a cancellation then always has the last
		// word. One that comes too late for this sleep only makes the next
		// return to the top of the loop.
		stop := context.AfterFunc(ctx, func() { _ = arm(raw, 1) })
		_, err := c.file.Read(expirations[:])
		stop()
		if err != nil {
			return fmt.Errorf("wait for timerfd: %w", err)
		}
	}
}

// Close closes the descriptor. The next sleep opens another.
func (c *TimerClock) Close() error {
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file = nil
	return err
}

func (c *TimerClock) open() error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open timerfd: %w", err)
	}
	file := os.NewFile(uintptr(fd), "timerfd")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("open timerfd: %w", err)
	}
	base, mono, err := calibrate()
	if err != nil {
		_ = file.Close()
		return err
	}
	c.file, c.raw, c.base, c.mono = file, raw, base, mono
	return nil
}

// arm sets the timer to an absolute instant: a relative one would add whatever
// time passes between computing it and setting it.
func arm(raw syscall.RawConn, mono int64) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(mono)}
	var armed error
	err := raw.Control(func(fd uintptr) {
		armed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &spec, nil)
	})
	if err == nil {
		err = armed
	}
	if err != nil {
		return fmt.Errorf("set timerfd: %w", err)
	}
	return nil
}

// calibrate reads Go's clock and CLOCK_MONOTONIC at one instant. Go counts the
// same clock from an origin that it does not tell. Of several attempts the
// quickest is taken, as a preemption between the readings would be an error in
// every sleep.
func calibrate() (base time.Time, mono int64, err error) {
	best := time.Duration(math.MaxInt64)
	for range 8 {
		var ts unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return time.Time{}, 0, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
		}
		if took := time.Since(before); took < best {
			best, base, mono = took, before, ts.Nano()
		}
	}
	return base, mono, nil
}
