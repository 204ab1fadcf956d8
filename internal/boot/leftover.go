package boot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// leftover is the file that a run keeps while a process of its is up.
type leftover struct {
	Owner  string // the run
	Server string // the leader of the server's process group
}

func runFolder(cache string) string { return filepath.Join(cache, "run") }

// recordProcess writes the file and returns its path.
func recordProcess(cache, name string, pid int) (string, error) {
	dir := runFolder(cache)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	me := self()
	server := me
	server.pid, server.start = pid, startTime(pid)
	b, err := json.Marshal(leftover{Owner: me.String(), Server: server.String()})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.json", name, pid))
	return path, os.WriteFile(path, b, 0o644)
}

// sweepProcesses ends the servers whose run is dead: what a SIGKILL of both the
// run and its watchdog left behind. It returns how many it ended.
func sweepProcesses(cache string) int {
	files, err := filepath.Glob(filepath.Join(runFolder(cache), "*.json"))
	if err != nil {
		return 0
	}
	ended := 0
	for _, path := range files {
		if sweepRecord(path) {
			ended++
		}
	}
	return ended
}

func readLeftover(path string) (l leftover, err error) {
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	return l, err
}

func sweepRecord(path string) (ended bool) {
	l, err := readLeftover(path)
	if err != nil {
		return false // half written by a run that starts just now
	}
	run, err1 := parseOwner(l.Owner)
	server, err2 := parseOwner(l.Server)
	if err1 != nil || err2 != nil || !run.here() || run.alive() {
		return false
	}
	if server.alive() { // the same start time: no stranger with the same number
		ended = syscall.Kill(-server.pid, syscall.SIGKILL) == nil
	}
	_ = os.Remove(path)
	return ended
}
