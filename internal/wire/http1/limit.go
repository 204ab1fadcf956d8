package http1

import "fmt"

// fetched is the most that Fetch takes: a server's pages of metrics and of
// metadata have kilobytes.
const fetched = 16 << 20

// Bound sets how many bytes the body of an answer may have. Without it the
// limit is one that no answer of any case comes near, and a server that sends
// without an end would fill the memory of every connection up to it. Of a
// stream that is not kept, it bounds what is held at a time.
func (t *Target) Bound(bytes int) { t.limit = bytes }

// most is the limit of an answer's body.
func (t *Target) most() int {
	if t.limit <= 0 || t.limit > maxBody {
		return maxBody
	}
	return t.limit
}

// oversize is of a body that passes the limit.
type oversize int

func (o oversize) Error() string {
	return fmt.Sprintf("the body passes the %d bytes that an answer of this kind may have", int(o))
}
