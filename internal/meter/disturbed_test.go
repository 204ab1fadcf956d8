package meter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func on(server, client float64) *Foreign {
	return &Foreign{Server: Share{Percent: server, Worst: server}, Client: Share{Percent: client, Worst: client}, Holder: "4711 cc1"}
}

func rules(reasons []Reason) (out []Rule) {
	for _, r := range reasons {
		out = append(out, r.Rule)
	}
	return out
}

func TestDisturbedWindows(t *testing.T) {
	check := func(name string, f *Foreign, w Window, invalid, doubts []Rule) {
		t.Helper()
		s := Summarise([]Window{w}, Evidence{Foreign: f})
		require.Equal(t, invalid, rules(s.Invalid), name)
		require.Equal(t, doubts, rules(s.Doubts), name)
		strict := Summarise([]Window{w}, Evidence{Foreign: f, NeedSteady: true})
		for _, d := range doubts {
			if d.Disturbed() {
				require.Contains(t, rules(strict.Invalid), d, "%s: what is a doubt in quick is withheld as evidence", name)
				require.NotContains(t, rules(strict.Doubts), d, name)
			} else {
				require.Contains(t, rules(strict.Doubts), d, name)
			}
		}
	}
	users, rate := closed(2, 10*ms, 5*sec), open(700, 10*ms, 0, 5*ms)
	foreign := []Rule{RuleForeign}
	check("quiet", on(1.7, 8), users, nil, nil)
	check("quiet, open loop", on(1.7, 8), rate, nil, nil)
	check("5 % on the server's core", on(5.7, 1), users, nil, foreign)
	check("25 % on the server's core", on(21, 1), users, foreign, nil)
	check("25 % on the client's core", on(0.7, 21), users, nil, nil)
	check("25 % on the client's core, open loop", on(0.7, 21), rate, nil, foreign)
	check("half of the client's core", on(0.7, 50), users, nil, foreign)
	check("one bad second", &Foreign{Server: Share{Percent: 2, Worst: 60}}, users, nil, foreign)
	check("steal", &Foreign{Server: Share{Steal: 2.5}}, users, []Rule{RuleSteal}, nil)
	check("steal from the client", &Foreign{Client: Share{Steal: 2.5}}, users, []Rule{RuleSteal}, nil)
	check("throttled", &Foreign{Throttled: 1}, users, []Rule{RuleThrottled}, nil)
	check("the only core", &Foreign{Shared: true, Server: Share{Percent: 50}, Client: Share{Percent: 50}}, users, foreign, nil)
	check("attached", &Foreign{Unknown: "it is attached", Server: Share{Percent: 90}}, users, nil, nil)
	check("attached, and throttled", &Foreign{Unknown: "it is attached", Throttled: 1}, users, []Rule{RuleThrottled}, nil)
	check("another on the GPU", &Foreign{OnCards: []string{"4711 python"}}, users, nil, []Rule{RuleCard})
}

func TestDisturbedWindowsSaySo(t *testing.T) {
	words := func(f *Foreign) string {
		invalid, doubts := f.Broken(true)
		return append(invalid, doubts...)[0].Text
	}
	require.Equal(t, "others used 21 % of the server's cores (28 % in the worst second), over 10 %, most of it 4711 cc1",
		words(&Foreign{Server: Share{Percent: 21.3, Worst: 28}, Holder: "4711 cc1"}))
	require.Equal(t, "others used 3.1 % of the server's cores (4 % in the worst second), over 3 %", words(&Foreign{Server: Share{Percent: 3.1, Worst: 4}}))
	require.Equal(t, "others used 41 % of the client's cores (80 % in the worst second), over 10 %", words(&Foreign{Client: Share{Percent: 41, Worst: 80}}))
	require.Equal(t, "others used 50 % of the shared cores (50 % in the worst second), over 10 %", words(&Foreign{Shared: true, Server: Share{Percent: 50, Worst: 50}}))
	require.Equal(t, "in its worst second others used 60 % of the server's cores, over 25 %", words(&Foreign{Server: Share{Percent: 2, Worst: 60}}))
	require.Equal(t, "a CPU quota stopped the client or the server in 616 periods", words(&Foreign{Throttled: 616}))
	require.Equal(t, "the hypervisor gave 7 % of the cores to others, over 2 %", words(&Foreign{Server: Share{Steal: 7}}))
}

func TestForeignIsAUnit(t *testing.T) {
	w := []Window{closed(2, 10*ms, 5*sec)}
	require.InDelta(t, 1.7, value(t, Summarise(w, Evidence{Foreign: on(1.7, 8)}), "foreign-%"), 1e-9)
	require.Equal(t, "none was seen", reason(Summarise(w, Evidence{Foreign: on(0, 8)}), "foreign-%"))
	require.Equal(t, "unknown: it is attached", reason(Summarise(w, Evidence{Foreign: &Foreign{Unknown: "it is attached"}}), "foreign-%"))
	require.Empty(t, reason(Summarise(w, Evidence{}), "foreign-%"))
}

func TestOfSeveralWindowsTheWorst(t *testing.T) {
	a := Foreign{Server: Share{1, 2, 0}, Client: Share{9, 9, 1}, Throttled: 1, Holder: "1 a"}
	b := Foreign{Server: Share{30, 40, 0}, Client: Share{3, 4, 0}, Throttled: 2, Holder: "2 b"}
	want := Foreign{Server: Share{30, 40, 0}, Client: Share{9, 9, 1}, Throttled: 3, Holder: "2 b"}
	require.Equal(t, want, a.Worse(b))
	require.Equal(t, "2 b", b.Worse(a).Holder)
	require.Equal(t, "x", a.Worse(Foreign{Unknown: "x"}).Unknown)
}

func TestTheLeastDisturbedWeighsLeast(t *testing.T) {
	order := []*Foreign{on(0, 0), on(1, 5), on(2.9, 1), on(3.1, 0), on(9, 9), on(10.1, 0), on(60, 60)}
	for i := range order[1:] {
		require.Less(t, order[i].Weight(true), order[i+1].Weight(true), i)
	}
	require.Less(t, on(60, 0).Weight(false), Foreign{Server: Share{Percent: 60, Steal: 5}}.Weight(false))
}
