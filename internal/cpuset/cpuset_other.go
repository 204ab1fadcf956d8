//go:build !linux

package cpuset

import "runtime"

// Usable is every core: this system does not tell which ones a process may use.
func Usable() (Set, error) {
	out := make(Set, runtime.NumCPU())
	for i := range out {
		out[i] = i
	}
	return out, nil
}

// Pin changes nothing and says so: pinning is done on Linux only.
func Pin(Set) (note string, err error) {
	return "cores are not pinned on " + runtime.GOOS + ": client and server may disturb each other", nil
}

// PinThread changes nothing: pinning is done on Linux only.
func PinThread(Set) error { return nil }
