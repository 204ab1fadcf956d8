package runner

import (
	"io"
	"strings"
	"sync"
)

// Lost says that something of a run could not be written. It ends the run: what
// would be measured next would be lost, too.
type Lost struct{ Err error }

func (l *Lost) Error() string { return "the run was stopped: " + l.Err.Error() }

func (l *Lost) Unwrap() error { return l.Err }

// sink passes on what is written until that fails. It tells that once and
// takes the rest in, since a process whose output nobody takes would be ended
// by that before it has stopped its servers.
type sink struct {
	mu     sync.Mutex // a process's two streams come from two goroutines
	w      io.Writer
	lose   func(error)
	failed bool
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed {
		return len(p), nil
	}
	if _, err := s.w.Write(p); err != nil {
		s.failed = true
		s.lose(err)
	}
	return len(p), nil
}

// last is the last note of a process, without the marks of its lines.
func (l *lastLines) last() string {
	var note []string
	for _, line := range l.lines {
		text, ok := strings.CutPrefix(line, "# ")
		if !ok {
			continue
		}
		if !strings.HasPrefix(text, " ") { // else the note before goes on
			note = nil
		}
		note = append(note, strings.TrimSpace(text))
	}
	if len(note) == 0 {
		return "it could not keep its results" + l.quote()
	}
	return strings.Join(note, "\n")
}
