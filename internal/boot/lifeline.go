package boot

import (
	"io"
	"os"
	"syscall"
	"time"
)

// EndWith ends this process, as SIGTERM does, when r ends. r is the reading end
// of a pipe whose writing end another process holds and never writes to: the
// kernel closes it when that process ends, whatever the end was.
func EndWith(r io.Reader) {
	go func() {
		_, _ = io.Copy(io.Discard, r)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
}

// EndWithGo ends this process, as SIGTERM does, when it was started by the go
// command and that one ends without it, which only a SIGKILL of it does: it
// passes other signals on. Under any other parent nothing happens, since a
// shell may end and leave a long run behind on purpose.
func EndWithGo() {
	parent := os.Getppid()
	if commandOf(parent) != "go" {
		return
	}
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if os.Getppid() != parent {
				_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
				return
			}
		}
	}()
}
