package meter

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// update rewrites testdata/steadiness.md, which docs/validity.md shows.
var update = flag.Bool("update", false, "write the measured rates of the steadiness rule")

// family is scenarios of which the rule must say the same, and how often.
type family struct {
	name   string
	of     []scenario
	least  float64         // % of the windows that must be refused; 0 and a most of 100 only tell
	most   float64         // % that may be
	damage func(w *Window) // done to each window; nil: none
}

// TestSteadinessErrs measures by Monte Carlo, in virtual time, how often the
// rule refuses windows of stationary loads, and misses what is not stationary.
// Windows are as long as -duration 5s -profile standard makes them.
func TestSteadinessErrs(t *testing.T) {
	draws, whole := 100, !testing.Short() && !raced
	if !whole {
		draws = 25
	}
	var b strings.Builder
	b.WriteString("| windows | should be | refused | worst load | in doubt |\n|---|---|---|---|---|\n")
	all := families()
	drawn := judgedAll(all, draws)
	for n, f := range all {
		var refused, doubted, worst, best float64 = 0, 0, 0, 100
		for _, found := range drawn[n] {
			refused += found[NotSteady]
			doubted += found[TooShort]
			worst, best = max(worst, found[NotSteady]), min(best, found[NotSteady])
		}
		refused, doubted = refused/float64(len(f.of)), doubted/float64(len(f.of))
		if f.finds() {
			worst = best
		}
		bound := fmt.Sprintf("at most %.0f %%", f.most)
		switch {
		case f.least > 0:
			bound = fmt.Sprintf("at least %.0f %%", f.least)
		case f.finds():
			bound = "told only"
		}
		fmt.Fprintf(&b, "| %s | %s | %.1f %% | %.0f %% | %.1f %% |\n", f.name, bound, refused, worst, doubted)
		t.Logf("%s: refused %.1f, worst %.0f, doubt %.1f", f.name, refused, worst, doubted)
		// Draws scatter: three deviations of what they tell of one load, and of all.
		few := 300 * math.Sqrt(0.05*0.95/float64(draws))
		if whole {
			require.GreaterOrEqual(t, refused, f.least, f.name)
			require.LessOrEqual(t, refused, f.most, f.name)
		}
		require.GreaterOrEqual(t, worst, f.least-2*few, f.name)
		if !f.finds() {
			require.LessOrEqual(t, worst, f.most+few, f.name)
		}
	}

	if *update {
		require.NoError(t, os.WriteFile("testdata/steadiness.md", []byte(b.String()), 0o644))
	}
	if whole && runtime.GOARCH == "amd64" { // others may round otherwise
		want, err := os.ReadFile("testdata/steadiness.md")
		require.NoError(t, err)
		require.Equal(t, string(want), b.String(), "measured rates changed: go test ./internal/meter -run Errs -update, then go test . -update")
	}
}

// fresh is the first of the seeds that rates are measured on. The rule's constants
// were chosen on those from 0 to 15,000.
const fresh = 1 << 24

// judgedAll judges draws of all loads, each on seeds of its own, on all cores.
func judgedAll(all []family, draws int) [][]map[Steady]float64 {
	out := make([][]map[Steady]float64, len(all))
	var group sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for n, f := range all {
		out[n] = make([]map[Steady]float64, len(f.of))
		for i, c := range f.of {
			free <- struct{}{}
			group.Go(func() {
				out[n][i] = c.judged(draws, fresh+uint64(100_000*n+1000*i), f.damage)
				<-free
			})
		}
	}
	group.Wait()
	return out
}

// finds says that the windows are not steady, and are to be refused.
func (f family) finds() bool { return f.of[0].course != nil || f.most == 100 }

// families are the loads, and what the rule must say of them.
func families() []family {
	half := func(at float64) float64 {
		if at < 0.5 {
			return 1
		}
		return 1.2
	}
	drift := func(at float64) float64 { return 1 + 0.2*at }
	out := []family{}
	for _, shape := range []struct {
		name string
		of   []scenario
	}{
		{"one user", closedLoads(inTurn, 1, lognormal)}, {"8 users, one after the other", closedLoads(inTurn, 8, lognormal)},
		{"8 users in lock-step", closedLoads(lockStep, 8, lognormal)}, {"8 users side by side", closedLoads(beside, 8, lognormal)},
	} {
		out = append(out, family{name: shape.name + ", stationary", of: shape.of, most: 5},
			family{name: shape.name + ", +20 % in mid-window", of: coursed(shape.of, half), least: 90, most: 100})
	}
	noisy := append(closedLoads(inTurn, 1, correlated), closedLoads(inTurn, 8, correlated)...)
	out = append(out, family{name: "correlated noise, stationary", of: noisy, most: 5},
		family{name: "one user, drift by +20 %", of: coursed(closedLoads(inTurn, 1, lognormal), drift), most: 100},
		family{name: "correlated noise, +20 % in mid-window", of: coursed(noisy, half), most: 100},
		family{name: "open, ρ 0.16 to 0.9, stationary", of: openLoads(0.16, 0.5, 0.8, 0.9), most: 5},
		family{name: "open, ρ 1.05", of: openLoads(1.05), least: 80, most: 100},
		family{name: "open, ρ 1.2", of: openLoads(1.2), least: 99, most: 100},
	)
	stops := append(closedLoads(inTurn, 8, lognormal), openLoads(0.5)...)
	return append(out,
		family{name: "the server stops for the last fifth", of: stops, least: 99, most: 100, damage: stalled},
		family{name: "20 % of the last third fail", of: stops, most: 100, damage: failing})
}

// closedLoads are of services and spreads.
func closedLoads(shape shape, users int, n noise) []scenario {
	var out []scenario
	for _, service := range []time.Duration{8 * ms, 40 * ms, 270 * ms} {
		for _, spread := range []float64{0.02, 0.1, 0.4} {
			out = append(out, scenario{shape: shape, users: users, service: service, spread: spread, noise: n})
		}
	}
	return out
}

// openLoads are of utilisations, of servers as M/M/1, M/D/1 and between.
func openLoads(rho ...float64) []scenario {
	var out []scenario
	for _, r := range rho {
		for _, n := range []noise{exponential, constant, lognormal} {
			out = append(out, scenario{rate: 20, service: time.Duration(r / 20 * 1e9), spread: 0.5, noise: n})
		}
	}
	return out
}

// coursed gives the scenarios a course.
func coursed(of []scenario, course func(at float64) float64) []scenario {
	var out []scenario
	for _, c := range of {
		c.course = course
		out = append(out, c)
	}
	return out
}

// judged counts the verdicts of draws, in percent.
func (c scenario) judged(draws int, seed uint64, damage func(*Window)) map[Steady]float64 {
	found := map[Steady]float64{}
	for i := range uint64(draws) {
		w := c.asLongAsNeeded(seed + i).window(seed + i)
		if damage != nil {
			damage(&w)
		}
		found[Judge(w).Verdict]++
	}
	for v, n := range found {
		found[v] = 100 * n / float64(draws)
	}
	return found
}

// asLongAsNeeded has the length that a pilot asks for.
func (c scenario) asLongAsNeeded(seed uint64) scenario {
	const least, most, longestPilot = 5 * sec, 150 * sec, 15 * sec
	p := c
	p.course, p.length = nil, 4*sec
	w := p.window(seed + 1<<32)
	if longer := min(LongerPilot(w), longestPilot); longer > 0 {
		p.length = longer
		w = p.window(seed + 1<<32)
	}
	c.length = min(max(least, Needed(w, c.rate)), most)
	return c
}

// stalled holds back what would have ended in the last fifth until after the
// window, and in a closed loop what would have been sent then is not sent.
func stalled(w *Window) {
	from := w.Length * 4 / 5
	var left []record.Record
	for _, r := range w.Records {
		if !w.Open && r.Sent >= from {
			continue
		}
		if r.Last > from {
			r.Last += w.Length
			r.Done = r.Last
		}
		left = append(left, r)
	}
	w.Records = left
}

// failing turns one in five requests of the last third into failures.
func failing(w *Window) {
	for i := range w.Records {
		if r := &w.Records[i]; r.Intended > w.Length*2/3 && i%5 == 0 {
			r.Outcome = record.Status
		}
	}
}
