//go:build unix

package http1

import (
	"net"
	"syscall"
)

// stale reports whether the server has closed a resting connection, or sent
// what nobody asked for. A request must not be counted as cut for the server's
// keep-alive limit; asking beforehand hides no failure, as sending twice would.
func stale(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return true
	}
	var n int
	var readErr error
	err = raw.Control(func(fd uintptr) { // it asks once, whatever the deadline is, and never waits
		var b [1]byte
		n, readErr = syscall.Read(int(fd), b[:])
	})
	waiting := readErr == syscall.EAGAIN || readErr == syscall.EWOULDBLOCK
	return err != nil || n > 0 || !waiting
}
