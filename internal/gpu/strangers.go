//go:build linux && cgo

package gpu

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// strangers are the processes on a GPU that are not the stack's. They can be told
// only where the stack's own are seen there, too: else the driver may number
// processes otherwise than we do, as it does in a container.
type strangers map[uint32]string

// list lists the stack's processes anew when that was long ago, or when asked to.
func (s *Sampler) list(now bool) {
	if s.pids == nil || !now && !s.listed.IsZero() && time.Since(s.listed) < listGap {
		return
	}
	s.mine = map[uint32]bool{}
	for _, pid := range s.pids() {
		s.mine[uint32(pid)] = true
	}
	s.listed = time.Now()
}

// meet notes the processes on a GPU that are not the stack's. One that nobody
// knows yet may have been started by the stack since its processes were listed.
func (s *Sampler) meet(c *card, running []nvml.ProcessInfo) {
	for _, p := range running {
		if _, known := c.others[p.Pid]; known || s.mine[p.Pid] {
			continue
		}
		if s.list(true); s.mine[p.Pid] {
			continue
		}
		if c.others == nil {
			c.others = strangers{}
		}
		c.others[p.Pid] = named(p.Pid)
	}
}

// named is a process by its number, and its name where that can be seen.
func named(pid uint32) string {
	number := strconv.FormatUint(uint64(pid), 10)
	comm, err := os.ReadFile("/proc/" + number + "/comm")
	if err != nil {
		return number
	}
	return number + " " + strings.Map(func(r rune) rune { // it is whatever its owner likes
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.TrimSuffix(string(comm), "\n"))
}

// names are the strangers on the GPUs, by their numbers.
func names(cards []*card) []string {
	all := strangers{}
	for _, c := range cards {
		if c.used {
			maps.Copy(all, c.others)
		}
	}
	var out []string
	for _, pid := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[pid])
	}
	return out
}
