package suite

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"stackbench/internal/stack"
)

const (
	mostWindows = 5               // times the profile's window, that a window may take
	mostWindow  = 5 * time.Minute // and that it may in any profile
)

// Options are the flags of a benchmark binary; `stackbench run` takes the same.
type Options struct {
	Stacks  []stack.Stack // that are measured, in order
	Only    Only
	Start   Start
	Profile Profile
	Window  time.Duration // length of a measured window; 0: the profile's
	Record  Record
	Plan    bool // print what would be measured, and end
}

// Start says how the stacks are started.
type Start struct {
	Device   string // auto, cpu or gpu
	Launcher string // auto, container or process
	Weights  string // auto, hub, package or seeded
}

// Only narrows what is measured of the groups.
type Only struct {
	Models []string // none means all
	Leaves Profile  // the cases of this one, by the rules of Options.Profile
}

// Record says where the trial of a leaf is recorded, and what identifies it.
type Record struct {
	Folder string // of a run; "" keeps none
	Trial  int    // from 1
	Seed   uint64 // salts the inputs, together with Trial
	Live   int    // file descriptor to tell how a window goes; 0: nobody waits for that
	Again  int    // so many windows of a stack are measured a second time in this trial; 0: it is no second time
}

// Length is how long a window is measured, where its requests need no more.
func (o Options) Length() time.Duration {
	if o.Window > 0 {
		return o.Window
	}
	return o.Profile.Window()
}

// Longest is how long a window may become that needs more.
func (o Options) Longest() time.Duration {
	return max(o.Length(), min(mostWindows*o.Profile.Window(), mostWindow))
}

// Cases gives the profile's cases of a group for a stack, those that share a server
// next to one another; when it is measured again, the first few that it serves
// and that are one window each.
func (o Options) Cases(g Group, s stack.Stack) []Case {
	all, few := g.byServer(o.Profile, s), o.Record.Again
	if few == 0 {
		return all
	}
	var out []Case
	for _, c := range all {
		if c.Load.Sought() || len(out) == few {
			continue
		}
		if _, err := c.Capability(s); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// Salt differs from trial to trial and from run to run, so that a stack never
// sees an input twice. Every bit of the seed counts.
func (o Options) Salt() uint64 {
	return rand.NewPCG(o.Record.Seed, uint64(o.Record.Trial)).Uint64()
}

// Salted is the salt of a case: no two cases of a trial share an input.
func (o Options) Salted(c Case) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, o.Record.Seed, o.Record.Trial, c) // a hash takes everything
	return h.Sum64()
}

// CheckProfiles refuses settings and cases of a profile that does not exist: the
// flags and the constants give none.
func CheckProfiles(o Options, g Group) error {
	for _, p := range []Profile{o.Profile, o.Only.Leaves} {
		if err := p.check(); err != nil {
			return err
		}
	}
	for _, c := range g.Cases {
		if err := c.From.check(); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
	}
	return nil
}
