// Package record holds what one request leaves behind: when it was due, when
// its bytes moved, and how it ended. It is the language that the load engine,
// the wire clients and the meter share; it imports only the standard library.
package record

import (
	"math/bits"
	"strconv"
	"time"
)

// Outcome says how a request ended. Everything but Good counts as a failure,
// and as +∞ in percentiles.
type Outcome uint8

const (
	Good      Outcome = iota // a complete answer with a success status
	Status                   // the server answered with an error: an HTTP status outside 2xx or a gRPC code
	Refused                  // no connection could be made
	Timeout                  // the request's own time limit passed
	Cut                      // the connection ended before the answer did
	Malformed                // the bytes that came are not an answer of this protocol
	Cancelled                // the run ended before the answer did
	Dropped                  // never sent: the client's bounded queue was full
	Fault                    // an error event inside a stream that had begun well
	Silent                   // a stream sent nothing for longer than its limit
	Oversize                 // more bytes came than a right answer can have
)

// Outcomes lists every outcome, in order.
func Outcomes() []Outcome {
	return []Outcome{Good, Status, Refused, Timeout, Cut, Malformed, Cancelled, Dropped, Fault, Silent, Oversize}
}

// String gives the outcome's name as results spell it.
func (o Outcome) String() string {
	names := [...]string{"good", "status", "refused", "timeout", "cut", "malformed", "cancelled", "dropped", "error-event", "silent", "too-large"}
	if int(o) < len(names) {
		return names[o]
	}
	return "unknown"
}

// Reply is what a wire client returns for one request. Head and Body are the
// client's own buffers, valid until its next request: copy what must stay.
type Reply struct {
	Sent    time.Time // just before the first byte of the request was written
	First   time.Time // first byte of content (of the body, or the first gRPC message)
	Last    time.Time // last byte of content
	Done    time.Time // the answer ended cleanly, or the request failed
	Outcome Outcome
	Code    int    // HTTP status or gRPC code; 0 when none was received
	Head    []byte // raw HTTP status line and headers; nil over gRPC
	Body    []byte // HTTP body with transfer coding removed, or the raw gRPC message
	Err     error  // why Outcome is not Good; nil otherwise
	Output  *Output
	Unkept  bool // the answer's bytes were let go as they came (see Rank): there is nothing to check
}

// Output is what an answer of generated text adds to its reply or record. In a
// reply it is the client's own, valid until its next request.
type Output struct {
	Chunks []time.Duration // when each chunk with text came, counted from Sent; none of a whole answer
	Tokens int             // generated tokens, as the server counts them; 0 when it did not say
	Opened int             // of them, those that had come with the first chunk with text; 0 when the server did not say

	Events  int           // events that carried tokens: with text, or with a count of their own and none
	Last    time.Duration // when the last of those came, counted from Sent
	Counted int           // tokens that had come with it; 0 when the server did not say
}

// Opening is the number of tokens that had come with the first chunk. Where the
// server does not say, as many chunks as tokens mean one in each; else it is
// unknown.
func (o Output) Opening() (n int, known bool) {
	switch {
	case o.Opened > 0:
		return o.Opened, true
	case o.Tokens > 0 && len(o.Chunks) == o.Tokens:
		return 1, true
	}
	return 0, false
}

// Closing is the number of tokens that had come by the last event whose tokens
// are known, and when that was. It is not the last chunk with text where tokens
// without text followed: what a model makes past the end of its text. Tokens
// that only a count at the end tells of came at no time that is known.
func (o Output) Closing() (n int, at time.Duration, known bool) {
	switch {
	case o.Counted > 0:
		return o.Counted, o.Last, true
	case o.Tokens > 0 && len(o.Chunks) == o.Tokens:
		return o.Tokens, o.Chunks[len(o.Chunks)-1], true
	}
	return 0, 0, false
}

// Answer is a kept copy of a reply's bytes, checked after the window.
type Answer struct {
	Head []byte
	Body []byte
}

// Record is one request of a window. Times count from the window's opening
// (so a request of the warm-up has a negative Intended); a time that never
// came is zero.
type Record struct {
	Seq      int           // number of the request in the plan, warm-up included; selects the payload
	Intended time.Duration // when the schedule wanted it sent; equals Sent in a closed loop
	Sent     time.Duration
	First    time.Duration
	Last     time.Duration
	Done     time.Duration
	Outcome  Outcome
	Code     int
	Err      string
	Answer   *Answer // nil when the answer was not kept
	Output   *Output // nil unless the answer is generated text
}

// Kind names how the request ended as results count it: the outcome and, of an
// answer with an error, its code, since a full queue's 503 is another failure
// than a wrong path's 404.
func (r Record) Kind() string {
	if r.Outcome == Status && r.Code != 0 {
		return r.Outcome.String() + " " + strconv.Itoa(r.Code)
	}
	return r.Outcome.String()
}

// Rank is the highest level of thinning at which the answer to request seq is
// still kept: one in 2^n has rank n or above. Multiplied by 2^64 over the golden
// ratio, successive numbers fall as evenly as any rule can make them, so each
// level is evenly spread over the window; and since that ratio is irrational, no
// level favours some inputs of a cycle of inputs, as "every 64th" would.
func Rank(seq int) int {
	return bits.LeadingZeros64(uint64(seq) * 0x9E3779B97F4A7C15)
}

// wholes is how many answers under way are held whole, about.
const wholes = 32

// Whole reports whether a client with so many connections is to hold on to the
// bytes of request seq's streamed answer: with many, only those of higher ranks,
// so that memory does not grow with the connections.
func Whole(seq, conns int) bool {
	return Rank(seq) >= bits.Len(uint(max(conns-1, 0)/wholes))
}
