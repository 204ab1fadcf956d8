package suite

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile is how much is measured. The order matters: each holds the cases of
// the ones before it.
type Profile int

const (
	Quick    Profile = iota // minutes; indications
	Standard                // 30 s windows; evidence
	Full                    // the whole matrix
)

// extent is what a profile stands for.
type extent struct {
	name   string
	window time.Duration
	warmup time.Duration
	trials int
}

func extents() []extent {
	return []extent{
		{"quick", 3 * time.Second, time.Second, 1},
		{"standard", 30 * time.Second, 5 * time.Second, 6},
		{"full", 60 * time.Second, 10 * time.Second, 10},
	}
}

// extent of a number that is no profile measures nothing; see check.
func (p Profile) extent() extent {
	if all := extents(); p >= 0 && int(p) < len(all) {
		return all[p]
	}
	return extent{name: fmt.Sprintf("profile %d", int(p))}
}

// check refuses a number that is no profile.
func (p Profile) check() error {
	_, err := ParseProfile(p.String())
	return err
}

// Profiles lists the names, in order.
func Profiles() []string {
	var names []string
	for _, e := range extents() {
		names = append(names, e.name)
	}
	return names
}

// ParseProfile reads a profile's name.
func ParseProfile(s string) (Profile, error) {
	i := slices.Index(Profiles(), s)
	if i < 0 {
		return 0, fmt.Errorf("unknown profile %q\nknown profiles: %s", s, strings.Join(Profiles(), ", "))
	}
	return Profile(i), nil
}

// String is the name of the profile, as flags and results write it.
func (p Profile) String() string { return p.extent().name }

// Strict says that an invalid window is withheld, not shown with its reasons.
func (p Profile) Strict() bool { return p >= Standard }

// Window is the profile's length of a measured window.
func (p Profile) Window() time.Duration { return p.extent().window }

// Warmup is how long the load runs before a window opens.
func (p Profile) Warmup() time.Duration { return p.extent().warmup }

// Trials is the profile's number of fresh processes a stack.
func (p Profile) Trials() int { return p.extent().trials }
