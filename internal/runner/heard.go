package runner

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// listener is an observer that also hears what a process says at once.
type listener interface {
	Said(text string)
}

// hear passes on what a process says of its waiting for others: a run that
// stands still must say why.
func hear(o Observer) io.Writer {
	l, ok := o.(listener)
	if !ok {
		return io.Discard
	}
	return &heard{to: l}
}

type heard struct {
	to   listener
	mu   sync.Mutex
	part string
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.part += string(p)
	for {
		line, rest, found := strings.Cut(h.part, "\n")
		if !found {
			break
		}
		h.part = rest
		if text, ok := strings.CutPrefix(line, "# "); ok && aboutWaiting(text) {
			h.to.Said(text)
		}
	}
	if len(h.part) > 1<<16 { // no line of ours
		h.part = ""
	}
	return len(p), nil
}

func aboutWaiting(text string) bool {
	for _, begins := range []string{"waiting: ", "not quiet after ", "the time that a run waits "} {
		if strings.HasPrefix(text, begins) {
			return true
		}
	}
	return false
}

// Said prints what the running process says of its waiting.
func (p *Progress) Said(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	fmt.Fprintf(p.w, "        %s\n", text)
}
