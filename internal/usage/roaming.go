package usage

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"stackbench/internal/cpuset"
)

// roaming is a process that is ours but pinned to no core: what its threads use
// is put down to the core on which each was seen last.
type roaming struct {
	root string
	pid  int
	seen map[int]time.Duration // by thread
	used map[int]time.Duration // by core
}

// Roaming is the CPU time of a process that may run on any core.
func Roaming(pid int) Own { return roamingAt("/", pid) }

func roamingAt(root string, pid int) *roaming {
	return &roaming{root: root, pid: pid, seen: map[int]time.Duration{}, used: map[int]time.Duration{}}
}

// On never fails: what the process used until it ended stays used.
func (r *roaming) On(cores cpuset.Set) (time.Duration, error) {
	tasks := filepath.Join(r.root, "proc", strconv.Itoa(r.pid), "task")
	entries, err := os.ReadDir(tasks)
	if err != nil {
		entries = nil
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(tasks, e.Name(), "stat"))
		if err != nil {
			continue
		}
		if t, err := parseStat(b); err == nil {
			r.used[t.core] += max(t.cpu-r.seen[t.pid], 0)
			r.seen[t.pid] = t.cpu
		}
	}
	var sum time.Duration
	for core, cpu := range r.used {
		if slices.Contains(cores, core) {
			sum += cpu
		}
	}
	return sum, nil
}

// Forwarders are the processes with which Docker passes a published port on to
// a container: they work for it, though they are not in its control group.
func Forwarders(ports ...string) []int { return forwardersAt("/", ports) }

func forwardersAt(root string, ports []string) []int {
	entries, err := os.ReadDir(filepath.Join(root, "proc"))
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join(root, "proc", e.Name(), "cmdline"))
		if err == nil && forwards(line, ports) {
			out = append(out, pid)
		}
	}
	return out
}

// forwards reads a command line, its words ended by zero bytes.
func forwards(line []byte, ports []string) bool {
	words := bytes.Split(line, []byte{0})
	if filepath.Base(string(words[0])) != "docker-proxy" {
		return false
	}
	for i, w := range words[:len(words)-1] {
		if string(w) == "-host-port" && slices.Contains(ports, string(words[i+1])) {
			return true
		}
	}
	return false
}
