package usage

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// coreTimes is what the kernel counted of one core since the machine started.
// Only the times without work are used: the kernel knows them to the
// microsecond, while it samples the kinds of work a hundred times a second.
type coreTimes struct {
	free   time.Duration // idle, or waiting for a disk
	stolen time.Duration // the hypervisor gave it to somebody else
}

// parseCores reads the lines of single cores in proc_stat(5):
// "cpu0 user nice system idle iowait irq softirq steal guest guest_nice".
func parseCores(b []byte) (map[int]coreTimes, error) {
	out := map[int]coreTimes{}
	for line := range bytes.Lines(b) {
		rest, ok := bytes.CutPrefix(line, []byte("cpu"))
		if !ok {
			break // the cores stand first
		}
		if len(rest) == 0 || rest[0] == ' ' {
			continue // all of them together
		}
		f := bytes.Fields(rest)
		const idle, iowait, steal = 4, 5, 8
		if len(f) <= iowait {
			return nil, fmt.Errorf("line %.40q of /proc/stat has %d fields", line, len(f))
		}
		core, err := strconv.ParseUint(string(f[0]), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("line %.40q of /proc/stat is of no core", line)
		}
		var t coreTimes
		for i, to := range map[int]*time.Duration{idle: &t.free, iowait: &t.free, steal: &t.stolen} {
			if i >= len(f) {
				continue // a kernel that does not count it
			}
			n, err := strconv.ParseUint(string(f[i]), 10, 38) // 87 years of ticks
			if err != nil {
				return nil, fmt.Errorf("line %.40q of /proc/stat: %w", line, err)
			}
			*to += time.Duration(n) * tick
		}
		out[int(core)] = t
	}
	if len(out) == 0 {
		return nil, errors.New("/proc/stat names no core")
	}
	return out, nil
}
