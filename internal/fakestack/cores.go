package fakestack

import (
	"fmt"
	"strings"
	"time"

	"stackbench/internal/cpuset"
)

// CoresPage is a /proc/stat of cores that have all been idle for so long.
func CoresPage(cores cpuset.Set, idle time.Duration) []byte {
	var b strings.Builder
	for _, core := range cores {
		fmt.Fprintf(&b, "cpu%d 0 0 0 %d 0 0 0 0 0 0\n", core, idle/(10*time.Millisecond))
	}
	return []byte(b.String())
}

// Idle is the /proc/stat of a machine on which nobody else does anything, so that
// tests do not depend on what this one does.
func Idle(cores cpuset.Set) func() ([]byte, error) {
	started := time.Now()
	return func() ([]byte, error) { return CoresPage(cores, time.Since(started)), nil }
}
