package meter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/unit"
)

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
	e := Evidence{Stack: &StackUse{1, 1, 1}, Client: &ClientUse{1, 1}, GPU: &GPUUse{new(float64), 1, 1}, Telemetry: Telemetry{Executions: &Executions{}}, Footprint: &Footprint{}, Ready: 1}
	defined := map[unit.Name]bool{}
	for _, u := range unit.All() {
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
