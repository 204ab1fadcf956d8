//go:build !unix

package http1

import (
	"testing"
	"time"
)

func cpuTime(b *testing.B) time.Duration {
	b.Skip("this system has no getrusage")
	return 0
}
