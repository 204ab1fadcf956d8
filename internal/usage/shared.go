package usage

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// gauge bounds how often the kernel is asked what processes share: it walks all
// their pages for it, while they may ask for none.
const gauge = 15 * time.Second

// shared is how much of what a tree's processes hold is counted more than once:
// pages that a fork left with both, and memory that several have mapped. A
// container's cgroup counts each page once, and so must a tree.
type shared struct {
	memory int64
	file   int64
	number int // processes that it was told of
	at     time.Time
}

// due reports whether it is time to look again.
func (s shared) due(processes int, now time.Time) bool {
	return processes > 1 && (s.number != processes || now.Sub(s.at) >= gauge)
}

// gaugeShared holds what the processes say of themselves to their proportional
// shares, by which each page counts once in all. A process that may not be asked
// counts whole.
func gaugeShared(root string, held map[int]memory, now time.Time) shared {
	s := shared{number: len(held), at: now}
	for pid, m := range held {
		b, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(pid), "smaps_rollup"))
		if err != nil {
			continue
		}
		own, file, ok := parseRollup(b)
		if !ok {
			continue
		}
		s.memory += max(0, m.anon+m.shmem-own)
		s.file += max(0, m.file-file)
	}
	return s
}

// parseRollup reads the shares of proc_pid_smaps(5) that are of no file and of
// files, in bytes; false when the kernel does not tell them apart (before 5.4).
func parseRollup(b []byte) (own, file int64, ok bool) {
	found := 0
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		n, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 48)
		if err != nil || n < 0 {
			continue
		}
		switch string(name) {
		case "Pss_Anon", "Pss_Shmem":
			own += n << 10
			found++
		case "Pss_File":
			file += n << 10
			found++
		}
	}
	return own, file, found == 3
}
