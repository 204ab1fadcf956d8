package task

import (
	"sync"
	"sync/atomic"
)

// ring holds the next requests of a window, built before they are due by a
// goroutine that goes on as they are taken. So no request is sent twice, and
// the memory does not grow with the window. What was not built in time is built
// when it is taken: late, never stale.
type ring[T any] struct {
	build func(n int) (T, error)
	spare T // for a request that cannot be built: the error ends the window
	slots []atomic.Pointer[built[T]]
	base  atomic.Int64 // of a request's number, above that by which it is taken
	taken atomic.Int64 // number behind those that were taken, about
	wake  chan struct{}
	over  chan struct{}
	crew  sync.WaitGroup
	broke atomic.Pointer[error]
}

// built is a request and its number.
type built[T any] struct {
	n       int
	request T
}

// newRing builds the first request, which shows whether any can be, and how
// many of that size fit.
func newRing[T any](build func(n int) (T, error), size func(T) int) (*ring[T], error) {
	first, err := build(0)
	if err != nil {
		return nil, err
	}
	n := 2
	for n < mostAhead && 2*n*size(first) <= requestBytes {
		n *= 2
	}
	return &ring[T]{build: build, spare: first, slots: make([]atomic.Pointer[built[T]], n), wake: make(chan struct{}, 1)}, nil
}

// at makes the request that is taken as number seq the one with the number base.
// Those to come are built as they are taken.
func (r *ring[T]) at(base, seq int) {
	r.stop()
	r.base.Store(int64(base - seq))
	r.taken.Store(int64(base))
}

// begin is at, and builds the first requests.
func (r *ring[T]) begin(base, seq int) {
	r.at(base, seq)
	for i := range r.slots {
		r.fill(base + i)
	}
	r.over = make(chan struct{})
	r.crew.Go(func() { r.follow(base+len(r.slots), r.over) })
}

// follow builds requests from next on, as many ahead of those that are taken as
// there are slots.
func (r *ring[T]) follow(next int, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-r.wake:
		}
		for next < int(r.taken.Load())+len(r.slots) {
			r.fill(next)
			next++
		}
	}
}

func (r *ring[T]) fill(n int) *built[T] {
	request, err := r.build(n)
	if err != nil {
		r.broke.CompareAndSwap(nil, &err)
		request = r.spare
	}
	b := &built[T]{n, request}
	r.slots[n%len(r.slots)].Store(b)
	return b
}

// take gives the window's request seq.
func (r *ring[T]) take(seq int) T {
	n := int(r.base.Load()) + seq
	b := r.slots[n%len(r.slots)].Load()
	if b == nil || b.n != n {
		request, err := r.build(n)
		if err != nil {
			r.broke.CompareAndSwap(nil, &err)
			request = r.spare
		}
		b = &built[T]{n, request}
	}
	for was := r.taken.Load(); int64(n) >= was && !r.taken.CompareAndSwap(was, int64(n)+1); was = r.taken.Load() {
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return b.request
}

// stop ends the building; take goes on.
func (r *ring[T]) stop() {
	if r.over != nil {
		close(r.over)
		r.crew.Wait()
		r.over = nil
	}
}

// err is why a request could not be built.
func (r *ring[T]) err() error {
	if e := r.broke.Load(); e != nil {
		return *e
	}
	return nil
}
