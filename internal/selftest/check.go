package selftest

import (
	"fmt"
	"math"
	"time"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/unit"
)

// Check is one figure against the truth.
type Check struct {
	Unit  unit.Name
	True  float64 // +∞ where the rank falls on a failure
	Got   float64 // likewise
	Bound float64 // the most that they may differ by
	Why   string  // what is wrong; "" when nothing is
}

// judge holds what was measured of a script to the truth; way is how long the
// way to a server and back takes, in ms. A figure that needs
// more requests than there were is left out.
func (l Lab) judge(s script, res load.Result, arrivals []time.Time, way float64) ([]Check, error) {
	t, err := read(s, res, arrivals)
	if err != nil {
		return nil, err
	}
	sum := l.Summarise([]meter.Window{s.window(res)}, meter.Evidence{})
	var out []Check
	for _, b := range s.units {
		want, n := t.of(b.unit)
		c := Check{Unit: b.unit, True: want, Bound: b.bound(want, way)}
		got, ok := sum.Value(b.unit)
		switch c.Got = got; {
		case !ok && n < needs(b.unit):
			continue
		case !ok && math.IsInf(want, 1):
			c.Got = want
		case !ok:
			c.Why = fmt.Sprintf("%s: %s has no figure: %s", s.name, b.unit, reason(sum, b.unit))
		default:
			c.Why = c.compare(s.name)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%d requests are too few for any figure", len(res.Records))
	}
	return out, nil
}

// compare says how the figure is wrong; "" when it is within its bound.
func (c Check) compare(script string) string {
	if d := math.Abs(c.Got - c.True); d <= c.Bound {
		return ""
	}
	if math.IsInf(c.True, 1) {
		return fmt.Sprintf("%s: %s is %.4g, and falls on a failed request: +∞", script, c.Unit, c.Got)
	}
	if c.Unit == unit.LateP99 {
		return fmt.Sprintf("%s: the p99 of sends was %.2f ms behind the schedule, over %.2f ms", script, c.Got, c.Bound)
	}
	return fmt.Sprintf("%s: %s is %.4g and was %.4g by the server's clock: off by more than %.2g", script, c.Unit, c.Got, c.True, c.Bound)
}

// needs is the sample under which a unit is not published.
func needs(n unit.Name) int {
	u, _ := unit.Find(n)
	return u.Needs()
}

func reason(s meter.Summary, u unit.Name) string {
	for _, w := range s.Withheld {
		if w.Unit == u {
			return w.Reason
		}
	}
	return "it was not measured"
}
