package usage

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
)

// Quota is how many cores' time the control groups of a process allow it, the
// least of all that it is in; 0 where none sets a limit or none can be read.
func Quota(pid int) float64 { return quotaAt("/", pid) }

func quotaAt(root string, pid int) float64 {
	least := 0.0
	for _, g := range groupsAt(root, pid) {
		if q := g.quota(); q > 0 && (least == 0 || q < least) {
			least = q
		}
	}
	return least
}

// Throttled counts the periods in which a quota stopped one of the processes, in
// all the control groups that they are in, each once.
func Throttled(pids ...int) int64 { return throttledAt("/", pids...) }

func throttledAt(root string, pids ...int) int64 {
	var seen []group
	var sum int64
	for _, pid := range pids {
		for _, g := range groupsAt(root, pid) {
			if slices.Contains(seen, g) {
				continue
			}
			seen = append(seen, g)
			if b, err := os.ReadFile(filepath.Join(g.dir, "cpu.stat")); err == nil {
				sum += keyed(b, "nr_throttled")
			}
		}
	}
	return sum
}

// group is the folder of a control group that may have a quota.
type group struct {
	version int
	dir     string
}

// groupsAt are the process's control group and those above it, as far as they
// can be seen from here.
func groupsAt(root string, pid int) []group {
	b, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return nil
	}
	paths := parsePaths(b)
	if b, err = os.ReadFile(filepath.Join(root, "proc/self/mountinfo")); err != nil {
		return nil
	}
	mounts := parseMounts(b)
	controller, version := "cpu", 1
	if _, ok := folder(mounts, paths, controller); !ok {
		controller, version = "", 2
	}
	var out []group
	for p, up := paths[controller], ""; ; p = up {
		dir, ok := folder(mounts, map[string]string{controller: p}, controller)
		if !ok {
			return out
		}
		out = append(out, group{version, filepath.Join(root, dir)})
		if up = path.Dir(p); up == p {
			return out
		}
	}
}

// quota is the group's own limit in cores; 0 when it has none.
func (g group) quota() float64 {
	if g.version == 2 {
		b, err := os.ReadFile(filepath.Join(g.dir, "cpu.max"))
		if err != nil {
			return 0
		}
		return parseMax(b)
	}
	quota, err := readInt(g.dir, "cpu.cfs_quota_us") // -1 says that there is no limit, and fails to be read as a count
	if err != nil {
		return 0
	}
	period, err := readInt(g.dir, "cpu.cfs_period_us")
	if err != nil || period == 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// parseMax reads cpu.max, "60000 100000" or "max 100000"; 0 is no limit.
func parseMax(b []byte) float64 {
	f := bytes.Fields(b)
	if len(f) != 2 {
		return 0
	}
	quota, err := strconv.ParseUint(string(f[0]), 10, 63)
	if err != nil {
		return 0
	}
	period, err := strconv.ParseUint(string(f[1]), 10, 63)
	if err != nil || period == 0 {
		return 0
	}
	return float64(quota) / float64(period)
}
