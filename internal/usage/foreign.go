package usage

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"stackbench/internal/cpuset"
)

// Own is CPU time that is ours, of that on the given cores.
type Own interface {
	On(cores cpuset.Set) (time.Duration, error)
}

// Side is a set of cores, and those of us who work on them.
type Side struct {
	Cores cpuset.Set
	Own   []Own
}

// pinned is a source all of whose work is done on the cores that are asked about.
type pinned struct{ source Source }

// Pinned is the CPU time of a source that runs nowhere but on its side's cores.
func Pinned(s Source) Own { return pinned{s} }

func (p pinned) On(cpuset.Set) (time.Duration, error) {
	s, err := p.source.Read()
	return s.CPU, err
}

// self is this process.
type self struct{}

// Myself is the CPU time of this process, which runs nowhere but on its side's cores.
func Myself() Own { return self{} }

func (self) On(cpuset.Set) (time.Duration, error) { return Self() }

// Share is what others had of a side's cores in a span.
type Share struct {
	Foreign float64 // % of the cores' time that was neither free, nor stolen, nor ours
	Worst   float64 // the same of the worst second
	Steal   float64 // % that the hypervisor gave to others
}

// Foreign finds what others use of sides: whatever of a core's time was neither
// free nor ours.
type Foreign struct {
	Sides []Side
	Stat  func() ([]byte, error) // the kernel's counters, as /proc/stat has them; nil reads them there
}

// reading is the counters of every side at one instant.
type reading struct {
	at    time.Time
	sides []counters
}

// counters are sums over the cores of a side.
type counters struct{ free, stolen, own time.Duration }

func (f Foreign) read() (reading, error) {
	stat := f.Stat
	if stat == nil {
		stat = readCores
	}
	b, err := stat()
	if err != nil {
		return reading{}, err
	}
	r := reading{at: time.Now()}
	cores, err := parseCores(b)
	if err != nil {
		return reading{}, err
	}
	for _, side := range f.Sides {
		var c counters
		for _, n := range side.Cores {
			t, ok := cores[n]
			if !ok {
				return reading{}, fmt.Errorf("core %d is not in /proc/stat", n)
			}
			c.free, c.stolen = c.free+t.free, c.stolen+t.stolen
		}
		for _, own := range side.Own {
			cpu, err := own.On(side.Cores)
			if err != nil {
				return reading{}, err
			}
			c.own += cpu
		}
		r.sides = append(r.sides, c)
	}
	return r, nil
}

// Watcher reads the counters again and again until it is stopped.
type Watcher struct {
	foreign  Foreign
	readings []reading
	quit     chan struct{}
	done     chan struct{}
	err      error
}

// Watch takes a first reading before it returns and then one every interval.
func (f Foreign) Watch(every time.Duration) (*Watcher, error) {
	if len(f.Sides) == 0 || slices.ContainsFunc(f.Sides, func(s Side) bool { return len(s.Cores) == 0 }) {
		return nil, errors.New("watch the cores: none are given")
	}
	first, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("watch the cores: %w", err)
	}
	w := &Watcher{foreign: f, readings: []reading{first}, quit: make(chan struct{}), done: make(chan struct{})}
	go w.run(every)
	return w, nil
}

func (w *Watcher) run(every time.Duration) {
	defer close(w.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-tick.C:
			if !w.read() {
				return
			}
		}
	}
}

func (w *Watcher) read() bool {
	next, err := w.foreign.read()
	if err != nil {
		w.err = err
		return false
	}
	w.readings = append(w.readings, next)
	return true
}

// Stop takes a last reading, and gives what others had of each side. It must be
// called once.
func (w *Watcher) Stop() ([]Share, error) {
	close(w.quit)
	<-w.done
	if w.err == nil {
		w.read()
	}
	if w.err != nil {
		return nil, fmt.Errorf("watch the cores: %w", w.err)
	}
	var out []Share
	for i, side := range w.foreign.Sides {
		out = append(out, sum(w.readings, i, len(side.Cores)))
	}
	return out, nil
}

// sum is what others had of a side between the first reading and the last, and
// in the worst second of that.
func sum(readings []reading, side, cores int) Share {
	s := between(readings[0], readings[len(readings)-1], side, cores)
	s.Worst = s.Foreign
	const second = 950 * time.Millisecond // ten readings, of which the first or last may come a little early
	if readings[len(readings)-1].at.Sub(readings[0].at) < second {
		return s
	}
	s.Worst = 0
	from := 0
	for to := range readings {
		for readings[to].at.Sub(readings[from+1].at) >= second { // the shortest span of a second that ends here
			from++
		}
		if readings[to].at.Sub(readings[from].at) >= second {
			s.Worst = max(s.Worst, between(readings[from], readings[to], side, cores).Foreign)
		}
	}
	return s
}

// between is what others had of a side between two readings.
func between(a, b reading, side, cores int) Share {
	all := b.at.Sub(a.at) * time.Duration(cores)
	if all <= 0 {
		return Share{}
	}
	x, y := a.sides[side], b.sides[side]
	// The kernel's count of waiting for disks may go back a little, and ours may
	// be counted a tick before or after the core's.
	free, stolen, own := max(y.free-x.free, 0), max(y.stolen-x.stolen, 0), max(y.own-x.own, 0)
	share := func(d time.Duration) float64 { return 100 * max(d, 0).Seconds() / all.Seconds() }
	return Share{Foreign: share(all - free - stolen - own), Steal: share(stolen)}
}
