package usage

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Holder is a process and the CPU time that it used in a span.
type Holder struct {
	PID  int
	Name string // as the kernel keeps it: at most fifteen characters, no arguments
	Core int    // that it ran on last
	CPU  time.Duration
}

func (h Holder) String() string { return fmt.Sprintf("%d %s", h.PID, h.Name) }

// Census is every process that can be seen from here, at one instant.
type Census struct {
	at        time.Time
	processes map[int]stat
}

// TakeCensus lists the processes. It reads all of /proc, which costs 20 µs for
// each: not while anything is measured.
func TakeCensus() Census { return censusAt("/") }

func censusAt(root string) Census {
	c := Census{at: time.Now(), processes: map[int]stat{}}
	entries, err := os.ReadDir(filepath.Join(root, "proc"))
	if err != nil {
		return c
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := readStat(root, pid); err == nil {
			c.processes[pid] = p
		}
	}
	return c
}

// Since lists who used CPU time after the earlier census, the most first, but
// for the given processes and all that came from them. The time of children
// that ended counts as their parent's.
func (c Census) Since(before Census, ours ...int) []Holder {
	span := c.at.Sub(before.at)
	var out []Holder
	for pid, p := range c.processes {
		if c.descends(pid, ours) {
			continue
		}
		was := before.processes[pid]
		if was.start != p.start {
			was = stat{} // it is new, or another of the same number
		}
		// A child that ended may have worked long before the span began.
		if cpu := min(p.cpu-was.cpu, span); cpu > 0 {
			out = append(out, Holder{PID: pid, Name: p.name, Core: p.core, CPU: cpu})
		}
	}
	slices.SortFunc(out, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(a.PID, b.PID))
	})
	return out
}

// descends says whether the process is one of them or came from one.
func (c Census) descends(pid int, ours []int) bool {
	for range len(c.processes) { // the list was not made at one instant: its parents might go round
		if slices.Contains(ours, pid) {
			return true
		}
		p, ok := c.processes[pid]
		if !ok || p.parent == pid {
			return false
		}
		pid = p.parent
	}
	return false
}

// printable makes a process's name one that a line of text can hold: it is
// whatever its owner likes.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, name)
}

// SameGroup says whether two processes are in the same control groups, as those
// of one container are.
func SameGroup(a, b int) bool { return sameGroupAt("/", a, b) }

func sameGroupAt(root string, a, b int) bool {
	x, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(a), "cgroup"))
	if err != nil {
		return false
	}
	y, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(b), "cgroup"))
	return err == nil && string(x) == string(y)
}

// Span is the time between two censuses.
func (c Census) Span(before Census) time.Duration { return c.at.Sub(before.at) }
