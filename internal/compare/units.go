package compare

import (
	"fmt"
	"slices"
	"strings"

	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// chosen reports whether a metric is compared. Every further test costs all the
// others power, so one that only restates another is left out: ns/op is the
// inverse of rps, rps times the size of a request is img/s or emb/s, or of an
// answer tok/s, and J/answer is as many times J/item.
func chosen(o Options, old, fresh *results.Bench, key results.Series) bool {
	if len(o.Units) > 0 {
		return slices.Contains(o.Units, key.Unit)
	}
	if m, conflict := unitMeta(old, fresh, key.Unit); m.Better == 0 && conflict == "" {
		return false
	}
	has := func(u unit.Name) bool {
		s := results.Series{Name: key.Name, Unit: u}
		return len(old.Samples[s]) > 0 || len(fresh.Samples[s]) > 0
	}
	return !key.Unit.Fitness() && !slices.ContainsFunc(key.Unit.Restated(), has)
}

// undirected lists the units that are in both runs, and cannot be judged since
// neither says which way is better.
func undirected(old, fresh *results.Bench, o Options) []unit.Name {
	if len(o.Units) > 0 {
		return nil
	}
	var out []unit.Name
	for _, u := range union(old.Units, fresh.Units) {
		if m, conflict := unitMeta(old, fresh, u); m.Better == 0 && conflict == "" {
			out = append(out, u)
		}
	}
	return out
}

// unitMeta is what the runs say of a unit, the new one first; conflict says
// that they contradict each other.
func unitMeta(old, fresh *results.Bench, u unit.Name) (m results.UnitMeta, conflict string) {
	a, b := old.Meta[u], fresh.Meta[u]
	if a.Better != 0 && b.Better != 0 && a.Better != b.Better {
		return b, "the runs disagree on which direction is better"
	}
	if b.Better == 0 {
		b.Better = a.Better
	}
	if b.Threshold == 0 {
		b.Threshold = a.Threshold
	}
	return b, ""
}

// expected are the configuration keys in which two runs of the same thing may differ.
func expected() []string { return []string{"commit", "commit-time", "harness", "pkg"} }

// differences says in which conditions the runs differ: their numbers are then
// of two things.
func differences(old, fresh *results.Bench) []string {
	var keys []string
	for _, config := range []map[string][]string{old.Config, fresh.Config} {
		for key := range config {
			if !slices.Contains(keys, key) && !slices.Contains(expected(), key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	var notes []string
	for _, key := range keys {
		a, b := old.Config[key], fresh.Config[key]
		if !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
			notes = append(notes, fmt.Sprintf("the runs differ in %s: %s against %s", key, said(a), said(b)))
		}
	}
	return notes
}

func said(values []string) string {
	if len(values) == 0 {
		return "not stated"
	}
	return strings.Join(values, " and ")
}
