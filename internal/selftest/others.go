package selftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// hz is how often a second the kernel's counters tick, on every Linux there is.
const hz = 100

// Proc watches through a /proc file system. Nothing of ours may run the while,
// so all that is neither idle nor waiting is somebody else's.
func Proc(root string) Foreign {
	return func(ctx context.Context, d time.Duration) (map[int]float64, string, error) {
		before, err := idle(root)
		if err != nil {
			return nil, "", err
		}
		used, began := busy(root), time.Now()
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		}
		after, err := idle(root)
		if err != nil {
			return nil, "", err
		}
		all := time.Since(began).Seconds() * hz
		shares := map[int]float64{}
		for core, ticks := range after {
			shares[core] = min(max(0, 100*(1-float64(ticks-before[core])/all)), 100)
		}
		return shares, most(used, busy(root)), nil
	}
}

// idle is each core's ticks without work, waiting for disks and stolen time
// aside: that is the hypervisor's, and no less a disturbance.
func idle(root string) (map[int]uint64, error) {
	b, err := os.ReadFile(filepath.Join(root, "stat"))
	if err != nil {
		return nil, err
	}
	return parseIdle(b)
}

// parseIdle reads the lines of single cores: cpuN user nice system idle iowait …
func parseIdle(b []byte) (map[int]uint64, error) {
	out := map[int]uint64{}
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 6 || len(f[0]) < 4 || !bytes.HasPrefix(f[0], []byte("cpu")) {
			continue
		}
		core, err := strconv.ParseUint(string(f[0][3:]), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no core", f[0])
		}
		for _, field := range f[4:6] { // idle, and waiting for a disk
			n, err := strconv.ParseUint(string(field), 10, 62)
			if err != nil {
				return nil, fmt.Errorf("core %d: %q are no ticks", core, field)
			}
			out[int(core)] += n
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the kernel names no core")
	}
	return out, nil
}

// process is one, and the ticks that it has used.
type process struct {
	name  string
	ticks uint64
}

// busy is every process but this one.
func busy(root string) map[int]process {
	out := map[int]process{}
	files, _ := filepath.Glob(filepath.Join(root, "[0-9]*", "stat")) // the pattern is good
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if b, err := os.ReadFile(file); err == nil {
			if p, ok := parseProcess(b); ok {
				out[pid] = p
			}
		}
	}
	return out
}

// parseProcess reads "pid (name) state …" with utime and stime as fields 14 and
// 15. A name may hold anything, brackets too, so it ends with the last one.
func parseProcess(b []byte) (process, bool) {
	from, to := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if from < 0 || to < from {
		return process{}, false
	}
	f := bytes.Fields(b[to+1:])
	if len(f) < 13 {
		return process{}, false
	}
	user, err := strconv.ParseUint(string(f[11]), 10, 62)
	if err != nil {
		return process{}, false
	}
	system, err := strconv.ParseUint(string(f[12]), 10, 62)
	if err != nil {
		return process{}, false
	}
	return process{strconv.QuoteToASCII(string(b[from+1 : to])), user + system}, true
}

// most is who used most in between; "" when nobody used a tick.
func most(before, after map[int]process) string {
	var ticks uint64
	var who string
	for pid, p := range after {
		if was := before[pid]; p.ticks > was.ticks && p.ticks-was.ticks > ticks {
			ticks = p.ticks - was.ticks
			name, err := strconv.Unquote(p.name)
			if err != nil || strconv.Quote(name) != `"`+name+`"` {
				name = p.name // what a terminal must not be given stays quoted
			}
			who = fmt.Sprintf("%d %s", pid, name)
		}
	}
	return who
}
