package meter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBreakdown(t *testing.T) {
	told := []Stage{{"queue", 2 * ms}, {"preprocess", ms}, {"compute", 4 * ms}}
	for name, c := range map[string]struct {
		window Window
		told   []Stage
		want   []Stage
	}{
		"closed loop":                                     {closed(2, 10*ms, sec), told, append([]Stage{{"network", 3 * ms}}, told...)},
		"open loop":                                       {open(100, 20*ms, 5*ms, 10*ms), told, append([]Stage{{"client-queue", 5 * ms}, {"network", 3 * ms}}, told...)},
		"a server that tells nothing":                     {closed(2, 10*ms, sec), nil, nil},
		"a server that tells only of its queue":           {closed(2, 10*ms, sec), told[:1], told[:1]},
		"counters of longer requests than the window had": {closed(2, 5*ms, sec), told, told},
	} {
		require.Equal(t, c.want, Summarise([]Window{c.window}, Evidence{Telemetry: Telemetry{Stages: c.told}}).Breakdown, name)
	}
}

func TestItemsAreThoseOfTheGoodAnswers(t *testing.T) {
	w := open(4, 250*ms, 0, ms)
	w.Rate, w.Items = "emb/s", func(seq int) int { return 1 + seq }
	for i := range w.Records {
		w.Records[i].Seq = i
	}
	w.Records[3].Outcome = 1
	require.InDelta(t, 1+2+3, value(t, Summarise([]Window{w}, Evidence{}), "emb/s"), 1e-9)
}

func TestPublish(t *testing.T) {
	s := Summarise([]Window{closed(1, 10*ms, sec)}, Evidence{})
	s.Publish("knee-rps", 64)
	require.InDelta(t, 64, value(t, s, "knee-rps"), 0)
	s.Publish("knee-rps", 0)
	require.Equal(t, "zero", reason(s, "knee-rps"))
}
