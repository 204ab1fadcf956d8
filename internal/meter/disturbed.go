package meter

import (
	"fmt"
	"math"
	"strings"

	"stackbench/internal/unit"
)

// Rules of what others did to a window. Its numbers may be right, but not of
// the stack alone.
const (
	RuleForeign   Rule = "foreign"     // nobody else used over 3 % of the server's cores (10 %: invalid), or 40 % of the client's (10 % of an open loop's)
	RuleSteal     Rule = "steal"       // the hypervisor gave at most 2 % of the cores to others
	RuleThrottled Rule = "throttled"   // no quota of a control group stopped the client or the stack
	RuleCard      Rule = "foreign-gpu" // no other process was on the GPUs
)

const (
	foreignDoubt  = 3.0  // % of the server's cores
	foreignLimit  = 10.0 // the same
	foreignSecond = 25.0 // the same, of the worst second
	clientOpen    = 10.0 // % of the client's cores: an open loop's sends wait for a core
	clientAny     = 40.0
	stealLimit    = 2.0 // %
)

// Share is what others had of a set of cores.
type Share struct {
	Percent float64 // of the cores' time in the window
	Worst   float64 // of the worst second in it
	Steal   float64 // % that the hypervisor gave to others
}

// Foreign is what others used of the machine between the marks of a window; of
// several windows, of the worst.
type Foreign struct {
	Unknown   string // why what the stack itself used is not known, so that nobody can tell; "" when it is
	Server    Share  // of the server's cores
	Client    Share  // of the client's
	Shared    bool   // these are the same
	Throttled int64  // periods in which a quota stopped the client or the stack
	Holder    string // who used most: "4711 cc1"; "" when it cannot be seen
	OnCards   []string
}

// Disturbed says whether a rule is about what others did for a time, so that
// the window is worth measuring again.
func (r Rule) Disturbed() bool { return r == RuleForeign || r == RuleSteal || r == RuleThrottled }

// Broken gives the rules that others made the window break: why it must not be
// believed, and why it must be doubted.
func (f Foreign) Broken(open bool) (invalid, doubts []Reason) {
	if f.Unknown == "" {
		switch text := f.on("server", f.Server, foreignDoubt); {
		case f.Server.Percent > foreignLimit:
			invalid = append(invalid, Reason{RuleForeign, f.on("server", f.Server, foreignLimit)})
		case f.Server.Percent > foreignDoubt:
			doubts = append(doubts, Reason{RuleForeign, text})
		case f.Server.Worst > foreignSecond:
			doubts = append(doubts, Reason{RuleForeign, fmt.Sprintf("in its worst second %s, over %.0f %%%s", f.used("server", f.Server.Worst), foreignSecond, f.by())})
		}
		limit := clientAny
		if open {
			limit = clientOpen
		}
		if !f.Shared && f.Client.Percent > limit {
			doubts = append(doubts, Reason{RuleForeign, f.on("client", f.Client, limit)})
		}
	}
	if steal := max(f.Server.Steal, f.Client.Steal); steal > stealLimit {
		invalid = append(invalid, Reason{RuleSteal, fmt.Sprintf("the hypervisor gave %.0f %% of the cores to others, over %.0f %%", steal, stealLimit)})
	}
	if f.Throttled > 0 {
		invalid = append(invalid, Reason{RuleThrottled, fmt.Sprintf("a CPU quota stopped the client or the server in %d periods", f.Throttled)})
	}
	if len(f.OnCards) > 0 {
		doubts = append(doubts, Reason{RuleCard, "other processes were on the GPU: " + strings.Join(f.OnCards, ", ")})
	}
	return invalid, doubts
}

// on says how much of a side's cores others used in the window.
func (f Foreign) on(side string, s Share, limit float64) string {
	return fmt.Sprintf("%s (%.0f %% in the worst second), over %.0f %%%s", f.used(side, s.Percent), s.Worst, limit, f.by())
}

func (f Foreign) used(side string, percent float64) string {
	if f.Shared {
		side = "shared"
	} else {
		side += "'s"
	}
	// One digit more where whole percents would read "3 %, over 3 %".
	digits := 0
	if percent < 10.5 {
		digits = 1
	}
	return fmt.Sprintf("others used %.*f %% of the %s cores", digits, percent, side)
}

func (f Foreign) by() string {
	if f.Holder == "" {
		return ""
	}
	return ", most of it " + f.Holder
}

// Worse joins what is known of two windows into the worse of both.
func (f Foreign) Worse(g Foreign) Foreign {
	if g.Server.Percent+g.Client.Percent > f.Server.Percent+f.Client.Percent && g.Holder != "" {
		f.Holder = g.Holder
	}
	if f.Unknown == "" {
		f.Unknown = g.Unknown
	}
	f.Server, f.Client = f.Server.worse(g.Server), f.Client.worse(g.Client)
	f.Throttled += g.Throttled
	f.Shared = f.Shared || g.Shared
	if len(g.OnCards) > 0 {
		f.OnCards = g.OnCards
	}
	return f
}

func (s Share) worse(t Share) Share {
	return Share{max(s.Percent, t.Percent), max(s.Worst, t.Worst), max(s.Steal, t.Steal)}
}

// Weight orders windows by how much others disturbed them, the least first.
func (f Foreign) Weight(open bool) float64 {
	invalid, doubts := f.Broken(open)
	return 1e6*math.Min(float64(len(invalid)), 1) + 1e3*math.Min(float64(len(doubts)), 1) +
		f.Server.Percent + f.Server.Steal + f.Client.Percent/10 + f.Client.Steal
}

// service measures the share of the server's cores.
func (f Foreign) service(l *ledger) {
	switch {
	case f.Unknown != "":
		l.withhold(unit.Foreign, "unknown: "+f.Unknown)
	case f.Server.Percent == 0:
		l.withhold(unit.Foreign, "none was seen")
	default:
		l.put(unit.Foreign, f.Server.Percent)
	}
}
