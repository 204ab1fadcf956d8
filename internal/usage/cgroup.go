package usage

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cgroup reads a control group of either version; the folders are equal in
// version 2.
type cgroup struct {
	version int
	cpu     string // folder with cpuacct.usage (1) or cpu.stat (2)
	memory  string // folder with memory.*
}

// Cgroup reads the control group that holds the process, as a container's does
// its first process: CPU to the nanosecond (version 1) or microsecond (2).
// Memory is the usage less the page cache, of which shared memory is no part.
// Peak is the kernel's mark less the page cache of now, which is what the mark
// held unless the cache has shrunk since.
//
// An error says why the group cannot be read here, as when the process lives
// on another machine or in a group that this one may not see.
func Cgroup(pid int) (Source, error) { return cgroupAt("/", pid) }

func cgroupAt(root string, pid int) (Source, error) {
	if _, err := os.Stat(filepath.Join(root, "proc/self/stat")); err != nil {
		return nil, errNoProc
	}
	c, err := locate(root, pid)
	if err != nil {
		return nil, fmt.Errorf("cgroup of process %d: %w", pid, err)
	}
	if _, err := c.Read(); err != nil {
		return nil, fmt.Errorf("cgroup of process %d: %w", pid, err)
	}
	return c, nil
}

func locate(root string, pid int) (cgroup, error) {
	b, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return cgroup{}, err
	}
	paths := parsePaths(b)
	b, err = os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return cgroup{}, err
	}
	mounts := parseMounts(b)

	// A machine may have both versions: the one that holds the controllers counts.
	mem, okMem := folder(mounts, paths, "memory")
	cpu, okCPU := folder(mounts, paths, "cpuacct")
	if okMem && okCPU {
		return cgroup{version: 1, cpu: filepath.Join(root, cpu), memory: filepath.Join(root, mem)}, nil
	}
	if unified, ok := folder(mounts, paths, ""); ok {
		unified = filepath.Join(root, unified)
		return cgroup{version: 2, cpu: unified, memory: unified}, nil
	}
	return cgroup{}, errors.New("no memory and cpu controllers are mounted")
}

// folder is where the controller's group is seen here; "" names version 2.
func folder(mounts []mount, paths map[string]string, controller string) (string, bool) {
	p, ok := paths[controller]
	if !ok || !path.IsAbs(p) || strings.Contains(p, "..") {
		return "", false // a group outside this process's cgroup namespace
	}
	for _, m := range mounts {
		if m.controllers == nil && controller != "" || m.controllers != nil && !slices.Contains(m.controllers, controller) {
			continue
		}
		if m.root == "/" {
			return path.Join(m.point, p), true
		}
		if rest, ok := strings.CutPrefix(p, m.root); ok && (rest == "" || rest[0] == '/') {
			return path.Join(m.point, rest), true
		}
	}
	return "", false
}

// parsePaths reads /proc/PID/cgroup into controller → path; version 2 is "".
func parsePaths(b []byte) map[string]string {
	out := map[string]string{}
	for line := range bytes.Lines(b) {
		f := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		for c := range strings.SplitSeq(f[1], ",") {
			out[c] = f[2]
		}
	}
	return out
}

// mount is a cgroup file system; controllers is nil for version 2.
type mount struct {
	root, point string
	controllers []string
}

// parseMounts reads the cgroup lines of proc_pid_mountinfo(5):
// "35 31 0:32 /top /point rw,relatime shared:1 - cgroup cgroup rw,memory".
func parseMounts(b []byte) (out []mount) {
	for line := range bytes.Lines(b) {
		left, right, ok := strings.Cut(string(line), " - ")
		f, g := strings.Fields(left), strings.Fields(right)
		if !ok || len(f) < 5 || len(g) < 3 {
			continue
		}
		m := mount{root: unescape(f[3]), point: unescape(f[4])}
		switch g[0] {
		case "cgroup":
			m.controllers = strings.Split(g[2], ",")
		case "cgroup2":
		default:
			continue
		}
		out = append(out, m)
	}
	return out
}

// unescape undoes mountinfo's octal escapes, such as \040 for a space.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func (c cgroup) Read() (Sample, error) {
	s := Sample{At: time.Now()}
	stat, err := os.ReadFile(filepath.Join(c.memory, "memory.stat"))
	if err != nil {
		return Sample{}, err
	}
	var usage, peak int64
	if c.version == 1 {
		ns, err := readInt(c.cpu, "cpuacct.usage")
		if err != nil {
			return Sample{}, err
		}
		if usage, err = readInt(c.memory, "memory.usage_in_bytes"); err != nil {
			return Sample{}, err
		}
		s.CPU = time.Duration(ns)
		peak, _ = readInt(c.memory, "memory.max_usage_in_bytes")
		s.File = max(keyed(stat, "total_cache")-keyed(stat, "total_shmem"), 0)
	} else {
		cpu, err := os.ReadFile(filepath.Join(c.cpu, "cpu.stat"))
		if err != nil {
			return Sample{}, err
		}
		if usage, err = readInt(c.memory, "memory.current"); err != nil {
			return Sample{}, err
		}
		s.CPU = time.Duration(min(keyed(cpu, "usage_usec"), math.MaxInt64/1000)) * time.Microsecond
		peak, _ = readInt(c.memory, "memory.peak") // Linux 5.19 and later
		s.File = max(keyed(stat, "file")-keyed(stat, "shmem"), 0)
	}
	s.Memory = max(usage-s.File, 0)
	if peak > 0 {
		s.Peak = max(peak-s.File, s.Memory)
	}
	return s, nil
}

// readInt reads a file that holds one number.
func readInt(dir, name string) (int64, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s holds %.20q, not a count", name, b)
	}
	return n, nil
}

// keyed finds "key value" among lines; 0 when it is not there.
func keyed(b []byte, key string) int64 {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(" "))
		if string(name) != key {
			continue
		}
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return 0
}
