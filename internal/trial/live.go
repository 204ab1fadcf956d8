package trial

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"stackbench/internal/hist"
	"stackbench/internal/load"
	"stackbench/internal/plan"
)

// live tells every second of a window how long the answers took so far. A nil
// one tells nobody, and costs nothing.
type live struct {
	to    io.Writer
	every time.Duration
	mu    sync.Mutex
	times *hist.Distribution
}

// newLive tells it to the file descriptor that the flag names; nil for none.
func newLive(fd int) *live {
	if fd == 0 {
		return nil
	}
	syscall.CloseOnExec(fd) // it is no business of the servers
	return &live{to: os.NewFile(uintptr(fd), "live"), every: time.Second, times: hist.New()}
}

// follow adds the telling about a leaf's windows to their marks.
func (l *live) follow(name string, m load.Marks) load.Marks {
	if l == nil {
		return m
	}
	opened, shut := m.Open, m.Close
	var quit chan struct{}
	m.Open = func() {
		opened()
		quit = make(chan struct{})
		l.mu.Lock()
		l.times.Reset()
		l.mu.Unlock()
		go l.tell(name, quit)
	}
	m.Close = func() {
		close(quit)
		shut()
	}
	m.Answer = func(took time.Duration) {
		l.mu.Lock()
		l.times.Record(took)
		l.mu.Unlock()
	}
	return m
}

func (l *live) tell(name string, quit <-chan struct{}) {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
			if l.now(name).Write(l.to) != nil {
				return // nobody listens any more
			}
		}
	}
}

func (l *live) now(name string) plan.Live {
	l.mu.Lock()
	defer l.mu.Unlock()
	ms := func(percent int64) float64 {
		n := l.times.Count()
		return float64(l.times.Rank((n*percent+99)/100)) / 1e6
	}
	return plan.Live{Name: name, Answers: l.times.Count(), P50MS: ms(50), P99MS: ms(99)}
}
