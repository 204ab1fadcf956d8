package trial

import (
	"context"
	"slices"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

// goal is what a search over a load seeks: the highest load of a kind at which
// a limit holds.
type goal struct {
	kind  suite.LoadKind
	unit  unit.Name // that is sought
	takes int       // samples of a load that may have held, as long as they must not be believed
	words words
	begin func(ctx context.Context, s *seeker) (search.Plan, error)                 // the first load, the steps and the bounds; notes the limits
	rule  func(o suite.Options, at float64) search.Rule                             // when a load is decided
	plan  func(s *seeker, at float64, rule search.Rule, marks load.Marks) load.Plan // a load's first window
	count func(s *seeker, w meter.Window) search.Share                              // a window's requests within the limit
	probe func(s *seeker, at float64, sum meter.Summary) results.Probe              // the load in its unit, and what it gave
	why   func(s *seeker, p results.Probe) (within, fails string)                   // how many came within the limit; what to say of a load that fails
}

// words say what a search found, or did not.
type words struct {
	none  string // no load held
	least string // not even the least did
	per   string // follows a load
}

// goals are all that can be sought.
func goals() []goal { return []goal{kneeGoal(), usersGoal()} }

// goalOf is what the load is sought for; false of a load that is given.
func goalOf(l suite.Load) (goal, bool) {
	all := goals()
	i := slices.IndexFunc(all, func(g goal) bool { return g.kind == l.Kind })
	if i < 0 {
		return goal{}, false
	}
	return all[i], true
}
