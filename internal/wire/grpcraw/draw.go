package grpcraw

import "google.golang.org/grpc/mem"

// Draw makes the target's connections send request seq as next gives it,
// instead of the same ones in turn. It is called before the first Do, and next
// by all connections at once.
func (t *Target) Draw(next func(seq int) []byte) { t.next = next }

// Draw is that of the target.
func (t *StreamTarget) Draw(next func(seq int) []byte) { t.target.Draw(next) }

// Draw is that of the target.
func (t *EventTarget) Draw(next func(seq int) []byte) { t.target.Draw(next) }

// request is what goes out as number seq.
func (t *Target) request(seq int) mem.BufferSlice {
	if t.next != nil {
		return mem.BufferSlice{mem.SliceBuffer(t.next(seq))}
	}
	return t.requests[seq%len(t.requests)]
}
