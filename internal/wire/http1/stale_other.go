//go:build !unix

package http1

import "net"

// stale cannot ask here: a closed connection shows with the next request.
func stale(net.Conn) bool { return false }
