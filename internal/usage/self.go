package usage

import (
	"fmt"
	"syscall"
	"time"
)

// Self is the CPU time, user and system, that this process has consumed in
// all its threads, from getrusage. Children are not counted.
func Self() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}
