package boot

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func pidSpace() string {
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "unknown"
	}
	return link
}

// startTime is field 22 of proc_pid_stat(5), in ticks after boot; "" when the
// process is gone or has ended and waits for its parent.
func startTime(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	const state, start = 0, 19 // counted from the end of the name, which may hold spaces
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) <= start || string(f[state]) == "Z" {
		return ""
	}
	return string(f[start])
}

// commandOf is the name of a process's program; "" when it is not known.
func commandOf(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
