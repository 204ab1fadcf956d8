package cpuset

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Usable is the set of cores that this process may run on now: after Pin, the
// set it was pinned to.
func Usable() (Set, error) {
	var mask unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &mask); err != nil {
		return nil, fmt.Errorf("read the usable cores: %w", err)
	}
	var out Set
	for c := 0; c < len(mask)*64; c++ {
		if mask.IsSet(c) {
			out = append(out, c)
		}
	}
	return out, nil
}

// Pin restricts every thread of this process, and so every thread it starts
// later, to the set, and sets GOMAXPROCS to its size. note is not empty where
// the system cannot pin; nothing was changed then.
func Pin(s Set) (note string, err error) {
	if len(s) == 0 {
		return "", errors.New("pin: no cores given")
	}
	// A thread that is being created while the list is read has its creator's
	// old mask, so read again until a pass finds nobody new.
	for seen := map[int]bool{}; ; {
		tids, err := threads()
		if err != nil {
			return "", fmt.Errorf("pin to cores %s: %w", s, err)
		}
		fresh := false
		for _, tid := range tids {
			if seen[tid] {
				continue
			}
			seen[tid], fresh = true, true
			if err := setAffinity(tid, s); err != nil && !errors.Is(err, unix.ESRCH) {
				return "", fmt.Errorf("pin to cores %s: %w", s, err)
			}
		}
		if !fresh {
			break
		}
	}
	runtime.GOMAXPROCS(len(s))
	return "", nil
}

// PinThread restricts the calling thread only. A child that it forks starts
// with the same set. Lock the goroutine to its thread first.
func PinThread(s Set) error {
	if err := setAffinity(0, s); err != nil {
		return fmt.Errorf("pin to cores %s: %w", s, err)
	}
	return nil
}

func setAffinity(tid int, s Set) error {
	var mask unix.CPUSet
	for _, c := range s {
		mask.Set(c)
	}
	return unix.SchedSetaffinity(tid, &mask)
}

func threads() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, tid)
		}
	}
	slices.Sort(out)
	return out, nil
}
