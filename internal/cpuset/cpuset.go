// Package cpuset names sets of CPU cores and pins threads to them, so that the
// client that measures and the server that is measured do not share a core.
package cpuset

import (
	"fmt"
	"math"
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
	var each []Set
	for _, c := range all {
		each = append(each, Set{c})
	}
	return Divide(each)
}

// Divide does the same with whole physical cores, each a set of the processors
// in it. Two processors of the only one are told apart, and note says what they
// share.
func Divide(physical []Set) (client, server Set, note string) {
	var all Set
	for _, p := range physical {
		all = append(all, p...)
	}
	all = compact(all)
	switch {
	case len(all) < 2:
		return all, all, "client and server share the only core: timings include each other's work"
	case len(physical) == 1:
		n := max(1, len(all)/4)
		return slices.Clone(all[:n]), slices.Clone(all[n:]),
			"client and server have processors of the same physical core: each slows the other down"
	}
	n := max(1, len(physical)/4)
	for _, p := range physical[:n] {
		client = append(client, p...)
	}
	for _, p := range physical[n:] {
		server = append(server, p...)
	}
	return compact(client), compact(server), ""
}

// Physical groups processors by the physical core that they are in, in the
// order of their first ones. siblings lists the processors that share one with
// the given one; nil or empty of one that stands alone, or is not known.
func Physical(all Set, siblings func(processor int) Set) []Set {
	var out []Set
	placed := map[int]bool{}
	for _, c := range all {
		if placed[c] {
			continue
		}
		var group Set
		for _, s := range append(Set{c}, siblings(c)...) {
			if slices.Contains(all, s) && !placed[s] {
				group, placed[s] = append(group, s), true
			}
		}
		out = append(out, compact(group))
	}
	return out
}

// Within leaves as many processors as a quota of so many can keep busy: more
// would only be stopped more often. They are of as many physical cores as can
// be, the first ones. 0 is no quota.
func Within(physical []Set, quota float64) []Set {
	if quota <= 0 {
		return physical
	}
	left := max(1, int(math.Ceil(quota)))
	out := make([]Set, min(left, len(physical)))
	for nth := 0; left > 0; nth++ {
		before := left
		for i := range out {
			if left > 0 && nth < len(physical[i]) {
				out[i] = append(out[i], physical[i][nth])
				left--
			}
		}
		if left == before {
			break // the quota is of more than there are
		}
	}
	return out
}
