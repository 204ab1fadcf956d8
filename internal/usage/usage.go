// Package usage reads what a serving stack costs its host: CPU time and memory
// of a container's cgroup or of a process tree, from the kernel's own counters.
package usage

import (
	"errors"
	"fmt"
	"time"
)

// Sample is one reading.
type Sample struct {
	At     time.Time
	CPU    time.Duration // user and system time consumed since the start
	Memory int64         // bytes in use now; pages that mirror files are not counted, since the kernel may drop them
	File   int64         // bytes of pages that mirror files: a cgroup's page cache, a process's mapped files. Memory + File is a process tree's RSS
	Peak   int64         // highest Memory since the start as far as the kernel tells; 0 when it does not
}

// Source reads the counters of one stack.
type Source interface {
	Read() (Sample, error)
}

// Summary is the usage over a window.
type Summary struct {
	Span    time.Duration // between the first and the last reading
	CPU     time.Duration // consumed in the window
	Start   int64         // bytes of memory at the opening
	Peak    int64         // bytes, highest reading in the window
	Mean    int64         // bytes, mean of the readings
	AllTime int64         // bytes, highest since the stack started: the kernel's mark or the highest reading
	Samples int
}

// Sampler reads a Source again and again until it is stopped.
type Sampler struct {
	src  Source
	quit chan struct{}
	done chan struct{}
	sum  Summary
	open Sample
	last Sample
	mem  float64 // sum of the readings, for the mean
	err  error
}

// Start takes a first reading before it returns and then one every interval.
// Ten a second cost a client well under 1 % of a core.
func Start(src Source, every time.Duration) (*Sampler, error) {
	if every <= 0 {
		return nil, fmt.Errorf("sample usage: interval %v is not positive", every)
	}
	first, err := src.Read()
	if err != nil {
		return nil, fmt.Errorf("sample usage: %w", err)
	}
	s := &Sampler{src: src, quit: make(chan struct{}), done: make(chan struct{}), open: first}
	s.add(first)
	go s.run(every)
	return s, nil
}

func (s *Sampler) run(every time.Duration) {
	defer close(s.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			if !s.read() {
				return
			}
		}
	}
}

func (s *Sampler) read() bool {
	next, err := s.src.Read()
	if err != nil {
		s.err = err
		return false
	}
	s.add(next)
	return true
}

func (s *Sampler) add(x Sample) {
	s.last = x
	s.mem += float64(x.Memory)
	s.sum.Samples++
	s.sum.Peak = max(s.sum.Peak, x.Memory)
	s.sum.AllTime = max(s.sum.AllTime, x.Memory, x.Peak)
}

// Stop takes a last reading and sums up. It must be called once. The error
// says that a reading failed, as when the stack is gone; the summary then
// covers the readings up to that point.
func (s *Sampler) Stop() (Summary, error) {
	close(s.quit)
	<-s.done
	if s.err == nil {
		s.read()
	}
	s.sum.Span = s.last.At.Sub(s.open.At)
	s.sum.CPU = s.last.CPU - s.open.CPU
	s.sum.Start = s.open.Memory
	s.sum.Mean = int64(s.mem / float64(s.sum.Samples))
	if s.err != nil {
		return s.sum, fmt.Errorf("sample usage: %w", s.err)
	}
	return s.sum, nil
}

var errNoProc = errors.New("no /proc here: usage of other processes is read on Linux only")
