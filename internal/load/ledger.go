package load

import (
	"cmp"
	"slices"

	"stackbench/internal/record"
)

// A ledger's first and largest chunk, in records. Small at first, because 1,000
// connections share a short window; larger later, because few connections may
// share a long one.
const (
	firstChunk = 16
	lastChunk  = 1024
)

// ledger collects one worker's records. Chunks never move, so growing copies
// nothing and a pointer to a record stays good.
type ledger struct {
	full [][]record.Record
	tail []record.Record
}

func (l *ledger) add(r record.Record) *record.Record {
	if len(l.tail) == cap(l.tail) {
		if len(l.tail) > 0 {
			l.full = append(l.full, l.tail)
		}
		l.tail = make([]record.Record, 0, min(max(2*cap(l.tail), firstChunk), lastChunk))
	}
	l.tail = append(l.tail, r)
	return &l.tail[len(l.tail)-1]
}

func (l *ledger) size() int {
	n := len(l.tail)
	for _, c := range l.full {
		n += len(c)
	}
	return n
}

// moveTo appends the records to all and forgets them, so that the memory of one
// ledger is free before the next is copied.
func (l *ledger) moveTo(all []record.Record) []record.Record {
	for _, c := range l.full {
		all = append(all, c...)
	}
	all = append(all, l.tail...)
	*l = ledger{}
	return all
}

// collect gathers the records of all workers and the dropped arrivals by issue
// time.
func (r *run) collect(workers []worker, dropped *ledger) []record.Record {
	total := dropped.size()
	for i := range workers {
		workers[i].sample.thin(&r.keeper)
		total += workers[i].ledger.size()
	}
	all := dropped.moveTo(make([]record.Record, 0, total))
	for i := range workers {
		all = workers[i].ledger.moveTo(all)
	}
	slices.SortFunc(all, func(a, b record.Record) int {
		return cmp.Or(cmp.Compare(a.Intended, b.Intended), cmp.Compare(a.Seq, b.Seq))
	})
	return all
}
