package boot

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// owner identifies a process for as long as its machine runs, so that what it
// left behind can be told from what a live one still uses. A process number
// alone is not enough: numbers are used again.
type owner struct {
	boot  string // of the machine since it started
	space string // the namespace that the number belongs to
	pid   int
	start string // when the process started, in the system's own words
}

// self is this process.
func self() owner {
	pid := os.Getpid()
	return owner{boot: bootID(), space: pidSpace(), pid: pid, start: startTime(pid)}
}

// String is the form kept in labels and files.
func (o owner) String() string {
	return strings.Join([]string{o.boot, o.space, strconv.Itoa(o.pid), o.start}, "/")
}

var errOwner = errors.New("not a process of stackbench")

func parseOwner(s string) (owner, error) {
	f := strings.Split(s, "/")
	if len(f) != 4 {
		return owner{}, errOwner
	}
	pid, err := strconv.Atoi(f[2])
	if err != nil || pid <= 0 || f[0] == "" || f[3] == "" {
		return owner{}, errOwner
	}
	return owner{boot: f[0], space: f[1], pid: pid, start: f[3]}, nil
}

// here says whether the owner's number means something to this process.
func (o owner) here() bool { return o.boot == bootID() && o.space == pidSpace() }

// alive says whether the owner still runs; ask only when it is here.
func (o owner) alive() bool { return startTime(o.pid) == o.start && running(o.pid) }

func running(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
