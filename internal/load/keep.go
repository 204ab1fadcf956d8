package load

import (
	"slices"
	"sync/atomic"

	"stackbench/internal/record"
)

// keeper decides, for all workers together and without a lock, which answers
// are kept: at level n those of rank n (record.Rank) or above, one in 2^n. The
// level rises whenever the answers of such ranks pass the budget. So what is
// kept follows from the requests' numbers and their answers' sizes alone, not
// from the number of connections or their luck.
type keeper struct {
	budget int64 // bytes
	level  atomic.Int32
	bytes  [65]atomic.Int64 // admitted so far, by rank
}

// admit accounts for an answer and reports whether it is to be kept.
func (k *keeper) admit(seq, size int) bool {
	at := record.Rank(seq)
	if k.budget == 0 || int64(size) > k.budget || at < int(k.level.Load()) {
		return false
	}
	k.bytes[at].Add(int64(size))
	level := k.level.Load()
	for k.total(level) > k.budget {
		k.level.CompareAndSwap(level, level+1)
		level = k.level.Load()
	}
	return at >= int(level)
}

// total is the bytes of the answers kept at a level.
func (k *keeper) total(level int32) int64 {
	var sum int64
	for i := int(level); i < len(k.bytes); i++ {
		sum += k.bytes[i].Load()
	}
	return sum
}

// sample is one worker's share of the kept answers.
type sample struct {
	level int32 // at which it was last thinned
	kept  []*record.Record
}

// offer gives the record a copy of the answer if the keeper wants it.
func (s *sample) offer(k *keeper, r *record.Record, reply record.Reply) {
	if k.admit(r.Seq, len(reply.Head)+len(reply.Body)) {
		r.Answer = &record.Answer{Head: slices.Clone(reply.Head), Body: slices.Clone(reply.Body)}
		s.kept = append(s.kept, r)
	}
	if k.level.Load() != s.level {
		s.thin(k)
	}
}

// thin drops the answers that the keeper's level has left behind.
func (s *sample) thin(k *keeper) {
	s.level = k.level.Load()
	s.kept = slices.DeleteFunc(s.kept, func(r *record.Record) bool {
		if record.Rank(r.Seq) >= int(s.level) {
			return false
		}
		r.Answer = nil
		return true
	})
}
