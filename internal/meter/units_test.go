package meter

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

func TestUnitLinesAreReadByBenchfmt(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, UnitLines(&b))
	r := benchfmt.NewReader(&b, "units")
	for r.Scan() {
		_, bad := r.Result().(*benchfmt.SyntaxError)
		require.False(t, bad, "%v", r.Result())
	}
	for _, u := range Units() {
		require.Equal(t, map[Better]int{Higher: 1, Lower: -1, Neither: 0}[u.Better], r.Units().GetBetter(u.Name), u.Name)
		if u.Better != Neither {
			want := "0.05"
			if u.Name == "foreign-%" {
				want = "9" // a run is not worse for what else the machine did
			}
			require.Equal(t, want, r.Units().Get(u.Name, "threshold").Value)
		}
	}
}

func TestTableOfUnits(t *testing.T) {
	seen := map[string]bool{}
	name := regexp.MustCompile(`^[a-zA-Z0-9/%-]+$`)
	for _, u := range Units() {
		require.Regexp(t, name, u.Name)
		require.False(t, seen[u.Name], u.Name)
		seen[u.Name] = true
		require.NotEmpty(t, u.Definition)
		require.NotContains(t, u.Definition, "|", "it would break the table")
		require.Contains(t, Markdown(), "| `"+u.Name+"` | ")
	}
	require.Equal(t, len(Units())+2, strings.Count(Markdown(), "\n"))
}

type line map[string]float64

func (l line) ReportMetric(v float64, unit string) { l[unit] = v }

func TestReport(t *testing.T) {
	got := line{}
	Summary{Metrics: []Metric{{"ns/op", 5}, {"rps", 2}}}.Report(got)
	require.Equal(t, line{"ns/op": 5, "rps": 2}, got)
	got = line{}
	Summary{}.Report(got)
	require.Equal(t, line{"ns/op": 0}, got, "testing's own ns/op would be the time of the set-up")
}

// Every metric that a summary holds is in the table.
func TestEveryMetricHasADefinition(t *testing.T) {
	w := closed(1, 10*ms, 10*sec)
	w.Rate = "emb/s"
	e := Evidence{Stack: &StackUse{1, 1, 1}, Client: &ClientUse{1, 1}, GPU: &GPUUse{new(float64), 1, 1}, Told: Told{Executions: &Executions{}}, Footprint: &Footprint{}, Ready: 1}
	defined := map[string]bool{}
	for _, u := range Units() {
		defined[u.Name] = true
	}
	for _, windows := range [][]Window{{w}, {open(10, ms, 0, ms)}, {talk(200, 0)}, {talk(1, 0)}} {
		s := Summarise(windows, e)
		for _, m := range s.Metrics {
			require.True(t, defined[m.Unit], m.Unit)
		}
		for _, m := range s.Withheld {
			require.True(t, defined[m.Unit], m.Unit)
		}
	}
}
