package usage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// tick is the unit of the times in /proc/PID/stat. Linux fixes it at 1/100 s
// for user space on every architecture that Go runs on.
const tick = time.Second / 100

// rescan bounds how often all of /proc is listed, which costs 20 µs for every
// process of the machine. Between two scans the known members are read.
const rescan = time.Second

// tree is a process and all that came from it.
type tree struct {
	root    string // "/" outside tests
	pid     int
	start   uint64 // of pid, so that a later process of the same number is not taken for it
	known   []int  // the other members at the last scan
	scanned time.Time
	shared  shared
}

// Tree reads the process and its descendants, with those that left the family
// but not its process group. CPU counts ended children once they were waited
// for, to 10 ms. Memory that several share counts once, as far as this process
// may see what they share. Peak is told for a tree of one process only: the marks of
// several need not have been reached at the same time. A new member is noticed
// within a second.
func Tree(pid int) (Source, error) { return treeAt("/", pid) }

func treeAt(root string, pid int) (Source, error) {
	if _, err := os.Stat(filepath.Join(root, "proc/self/stat")); err != nil {
		return nil, errNoProc
	}
	p, err := readStat(root, pid)
	if err != nil {
		return nil, fmt.Errorf("usage of process %d: %w", pid, err)
	}
	return &tree{root: root, pid: pid, start: p.start}, nil
}

// Processes lists the process and all that came from it, as Tree does; nil when
// it is gone. It reads all of /proc.
func Processes(pid int) []int { return processesAt("/", pid) }

func processesAt(root string, pid int) []int {
	top, err := readStat(root, pid)
	if err != nil {
		return nil
	}
	t := &tree{root: root, pid: pid, start: top.start}
	if _, err := t.scan(top); err != nil {
		return nil
	}
	return append([]int{pid}, t.known...)
}

func (t *tree) Read() (Sample, error) {
	members, err := t.members()
	if err != nil {
		return Sample{}, fmt.Errorf("usage of process %d: %w", t.pid, err)
	}
	s := Sample{At: time.Now()}
	held := make(map[int]memory, len(members))
	for _, p := range members {
		s.CPU += p.cpu
		st, err := os.ReadFile(filepath.Join(t.root, "proc", strconv.Itoa(p.pid), "status"))
		if err != nil {
			continue // it ended since the list was made
		}
		m := parseStatus(st)
		held[p.pid] = m
		s.Memory += m.anon + m.shmem
		s.File += m.file
		if len(members) == 1 {
			s.Peak = max(m.high-m.file, 0)
		}
	}
	if t.shared.due(len(held), s.At) {
		t.shared = gaugeShared(t.root, held, s.At)
	}
	if len(held) > 1 {
		s.Memory = max(0, s.Memory-t.shared.memory)
		s.File = max(0, s.File-t.shared.file)
	}
	return s, nil
}

// members reads the tree's processes, the root first.
func (t *tree) members() ([]stat, error) {
	top, err := readStat(t.root, t.pid)
	if err != nil {
		return nil, err
	}
	if top.start != t.start {
		return nil, errors.New("it has ended, and its number belongs to another process now")
	}
	if t.scanned.IsZero() || time.Since(t.scanned) >= rescan {
		return t.scan(top)
	}
	out := []stat{top}
	for _, pid := range t.known {
		if p, err := readStat(t.root, pid); err == nil {
			out = append(out, p)
		}
	}
	return out, nil
}

func (t *tree) scan(top stat) ([]stat, error) {
	entries, err := os.ReadDir(filepath.Join(t.root, "proc"))
	if err != nil {
		return nil, err
	}
	children := map[int][]stat{}
	out := []stat{top}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == t.pid {
			continue
		}
		p, err := readStat(t.root, pid)
		if err != nil {
			continue // it ended since the list was made
		}
		if p.group == t.pid {
			out = append(out, p)
		} else {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	for i := 0; i < len(out); i++ { // out grows while children are found
		out = append(out, children[out[i].pid]...)
		delete(children, out[i].pid) // the list was not made at one instant: no process counts twice
	}
	t.known = t.known[:0]
	for _, p := range out[1:] {
		t.known = append(t.known, p.pid)
	}
	t.scanned = time.Now()
	return out, nil
}

// stat is what is used of /proc/PID/stat.
type stat struct {
	pid, parent, group int
	cpu                time.Duration // own and that of waited-for children
	start              uint64        // ticks after boot
	name               string
	core               int // that it ran on last
}

func readStat(root string, pid int) (stat, error) {
	b, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return stat{}, errors.New("no such process")
		}
		return stat{}, err
	}
	return parseStat(b)
}

// parseStat reads proc_pid_stat(5). The name in parentheses may itself hold
// spaces and parentheses, so the fields are counted from the last one.
func parseStat(b []byte) (stat, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("stat line %.40q has no name", b)
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(b[:open])))
	if err != nil {
		return stat{}, fmt.Errorf("stat line %.40q has no number", b)
	}
	f := bytes.Fields(b[end+1:])
	const state, ppid, pgrp, utime, cstime, starttime, processor = 0, 1, 2, 11, 14, 19, 36
	if len(f) <= starttime {
		return stat{}, fmt.Errorf("stat line of process %d has %d fields", pid, len(f))
	}
	s := stat{pid: pid, name: printable(string(b[open+1 : end]))}
	if len(f) > processor {
		s.core, _ = strconv.Atoi(string(f[processor])) // not worth failing for
	}
	if s.parent, err = strconv.Atoi(string(f[ppid])); err != nil {
		return stat{}, fmt.Errorf("stat line of process %d: %w", pid, err)
	}
	if s.group, err = strconv.Atoi(string(f[pgrp])); err != nil {
		return stat{}, fmt.Errorf("stat line of process %d: %w", pid, err)
	}
	for i := utime; i <= cstime; i++ {
		n, err := strconv.ParseUint(string(f[i]), 10, 36) // 21 years; four of them fit a Duration
		if err != nil {
			return stat{}, fmt.Errorf("stat line of process %d: %w", pid, err)
		}
		s.cpu += time.Duration(n) * tick
	}
	if s.start, err = strconv.ParseUint(string(f[starttime]), 10, 64); err != nil {
		return stat{}, fmt.Errorf("stat line of process %d: %w", pid, err)
	}
	return s, nil
}

// memory is what is used of /proc/PID/status, in bytes.
type memory struct{ anon, file, shmem, high int64 }

// parseStatus reads proc_pid_status(5). A process that is ending has no memory
// lines: zero is then the truth.
func parseStatus(b []byte) (m memory) {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		var to *int64
		switch string(name) {
		case "RssAnon":
			to = &m.anon
		case "RssFile":
			to = &m.file
		case "RssShmem":
			to = &m.shmem
		case "VmHWM":
			to = &m.high
		default:
			continue
		}
		kb, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 48)
		if err == nil && kb >= 0 {
			*to = kb << 10
		}
	}
	return m
}
