package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is one thing that is not as it was when a run began.
type Difference struct {
	What     string
	Old, Now string
	Cure     string // how it could be as it was; "" when the machine would have to be another
}

// Differences is what keeps a run from being gone on with: what its numbers are
// true for and no longer holds. Trials of both would stand in one table as if
// they were of one thing.
func Differences(old, now Env) []Difference {
	var d differences
	d.machine(old.Machine, now.Machine)
	d.text("device", old.Device, now.Device, "give --device as it was")
	d.text("GPUs", cards(old), cards(now), "")
	d.text("GPU driver", old.Driver, now.Driver, "")
	d.harness(old.Harness, now.Harness)
	d.weights(old.Models, now.Models)
	d.plan(old.Plan, now.Plan)
	d.skips(old.Skipped, now.Skipped)
	return d
}

type differences []Difference

func (d *differences) text(what, old, now, cure string) {
	if old != now {
		*d = append(*d, Difference{what, said(old), said(now), cure})
	}
}

func said(s string) string {
	if s == "" {
		return "none"
	}
	return strings.Join(strings.Fields(s), " ")
}

func (d *differences) machine(old, now Machine) {
	d.text("processor", old.CPU, now.CPU, "")
	d.text("cores", number(old.Cores), number(now.Cores), "")
	d.text("client's cores", old.ClientCores, now.ClientCores, "")
	d.text("servers' cores", old.ServerCores, now.ServerCores, "")
	// The kernel's own share of the memory differs by megabytes from start to start.
	if apart := old.MemoryMB - now.MemoryMB; max(apart, -apart)*50 > max(old.MemoryMB, now.MemoryMB) {
		d.text("memory", number(old.MemoryMB)+" MB", number(now.MemoryMB)+" MB", "")
	}
	d.text("system", old.OS+"/"+old.Arch+" "+old.Kernel, now.OS+"/"+now.Arch+" "+now.Kernel, "")
	d.text("Docker", old.Docker, now.Docker, "")
}

func cards(e Env) string {
	var out []string
	for _, g := range e.GPUs {
		out = append(out, g.Name)
	}
	return strings.Join(out, ", ")
}

func (d *differences) harness(old, now Harness) {
	d.text("harness", old.Version, now.Version, "go back to the commit")
	d.text("Go", old.Go, now.Go, "")
	if old.Commit != now.Commit {
		d.text("commit", old.Commit, now.Commit, "git checkout "+old.Commit)
		return
	}
	const undo = "undo the changes (git diff shows them)"
	switch {
	case !old.Modified && !now.Modified:
	case old.Modified && old.Changes == "":
		d.text("sources", "changed since the commit, in a way that was not recorded", "", "")
	case old.Modified != now.Modified || old.Changes != now.Changes:
		d.text("sources", old.changes(), now.changes(), undo)
	}
}

func (h Harness) changes() string {
	if !h.Modified {
		return "as committed"
	}
	return "changed since the commit (" + h.Changes + ")"
}

func (d *differences) weights(old, now []Weights) {
	was, is := byModel(old), byModel(now)
	for _, model := range union(was, is) {
		d.text("weights of "+model, was[model], is[model], "give --weights as they were")
	}
}

func byModel(list []Weights) map[string]string {
	out := map[string]string{}
	for _, w := range list {
		out[w.Model] = w.Source + " " + w.SHA256
	}
	return out
}

func (d *differences) plan(old, now Plan) {
	d.text("profile", old.Profile, now.Profile, "leave the flag out")
	d.text("window", old.Window, now.Window, "leave the flag out")
	d.text("trials", number(old.Trials), number(now.Trials), "leave the flag out")
	d.text("seed", fmt.Sprint(old.Seed), fmt.Sprint(now.Seed), "leave the flag out")
	d.text("groups", strings.Join(old.Groups, ","), strings.Join(now.Groups, ","), "leave the flag out")
	d.text("stacks", strings.Join(old.Stacks, ","), strings.Join(now.Stacks, ","), "leave the flag out")
}

// skips are what could be measured then and cannot now, or the other way round.
func (d *differences) skips(old, now []Skip) {
	was, is := map[string]string{}, map[string]string{}
	for _, s := range old {
		was[s.What] = s.Why
	}
	for _, s := range now {
		is[s.What] = s.Why
	}
	const measured = "measured"
	for _, what := range union(was, is) {
		before, skipped := was[what]
		after, skips := is[what]
		switch {
		case skipped && !skips:
			d.text(what, "left out: "+before, measured, "")
		case skips && !skipped:
			d.text(what, measured, "left out: "+after, "make it run again: go tool stackbench doctor")
		}
	}
}

func union(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// Changed says that a run cannot be gone on with.
type Changed struct {
	Dir         string
	Differences []Difference
}

// mostShown is how many differences are told, since one that is missing may
// take hundreds of leaves with it.
const mostShown = 8

func (m *Changed) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s cannot be gone on with: its trials and the new ones would not be of the same thing", m.Dir)
	for i, x := range m.Differences {
		if i == mostShown {
			fmt.Fprintf(&b, "\n  and %d more", len(m.Differences)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s then, %s now", x.What, x.Old, x.Now)
		if x.Cure != "" {
			b.WriteString(" (" + x.Cure + ")")
		}
	}
	b.WriteString("\ngo on with it where and as it began, or start a new run without --resume")
	return b.String()
}
