//go:build !linux

package boot

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// bootID is the host's name: a restart is not noticed here, but then no
// process of before runs either.
func bootID() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return strings.ReplaceAll(name, "/", "_")
}

func pidSpace() string { return "-" }

// startTime is what ps tells, to the second; "" when the process is gone.
func startTime(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(out)), "_")
}

// commandOf is the name of a process's program; "" when it is not known.
func commandOf(pid int) string {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	path := strings.TrimSpace(string(out))
	return path[strings.LastIndexByte(path, '/')+1:]
}
