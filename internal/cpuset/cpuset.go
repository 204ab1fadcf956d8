// Package cpuset names sets of CPU cores and pins threads to them, so that the
// client that measures and the server that is measured do not share a core.
package cpuset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxCore bounds the numbers that Parse accepts, so that "0-99999999999" is an
// error and not a large allocation. Linux is built for at most 8192 cores.
const maxCore = 8191

// Set is a list of core numbers, ascending and without repeats.
type Set []int

// Parse reads the kernel's list format, such as "0-3,7". The empty string is
// the empty set.
func Parse(s string) (Set, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	var out Set
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		lo, err := core(first)
		if err != nil {
			return nil, fmt.Errorf("core list %q: %w", s, err)
		}
		hi := lo
		if ranged {
			if hi, err = core(last); err != nil {
				return nil, fmt.Errorf("core list %q: %w", s, err)
			}
		}
		if hi < lo {
			return nil, fmt.Errorf("core list %q: %d-%d runs backwards", s, lo, hi)
		}
		for c := lo; c <= hi; c++ {
			out = append(out, c)
		}
		out = compact(out) // per part, so that repeats cannot grow it beyond maxCore
	}
	return out, nil
}

func core(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n > maxCore {
		return 0, fmt.Errorf("%q is not a core number from 0 to %d", s, maxCore)
	}
	return int(n), nil
}

func compact(s Set) Set {
	slices.Sort(s)
	return slices.Compact(s)
}

// String gives the kernel's list format, such as "0-3,7", which is also what
// Docker's cpuset takes.
func (s Set) String() string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j+1 < len(s) && s[j+1] == s[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(s[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(s[j]))
		}
		i = j + 1
	}
	return b.String()
}

// Split divides the cores between the client and the server: a quarter, at
// least one, for the client and the rest for the server. The client takes the
// first cores. On a single core both share it, and note says so.
func Split(all Set) (client, server Set, note string) {
	if len(all) < 2 {
		return all, all, "client and server share the only core: timings include each other's work"
	}
	n := max(1, len(all)/4)
	return slices.Clone(all[:n]), slices.Clone(all[n:]), ""
}
