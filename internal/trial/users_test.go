package trial

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/search"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

func TestWhetherUsersAreServed(t *testing.T) {
	u := seeker{goal: usersGoal(), probing: probing{
		rig:  &Rig{Group: suite.Group{Limits: suite.Limits{TTFT: time.Second, ITL: 100 * time.Millisecond}}},
		leaf: Leaf{Case: suite.Case{Task: stack.TextGeneration, Model: gpt2, Proto: stack.SSE}},
	}}
	window := func(good, slow, failed int) meter.Window {
		var w meter.Window
		add := func(n int, ttft, itl time.Duration, o record.Outcome) {
			for range n {
				out := &record.Output{Chunks: []time.Duration{ttft, ttft + itl}, Tokens: 2}
				w.Records = append(w.Records, record.Record{First: ttft, Last: ttft + itl, Outcome: o, Output: out})
			}
		}
		add(good, time.Second, 100*time.Millisecond, record.Good)
		add(slow, 1001*time.Millisecond, time.Millisecond, record.Good)
		add(failed, 0, 0, record.Timeout)
		return w
	}
	for name, c := range map[string]struct {
		window meter.Window
		answer search.Answer
		why    string
	}{
		"all in time":       {window(60, 0, 0), search.Holds, ""},
		"few, all in time":  {window(20, 0, 0), search.Likely, "undecided: 100 % of 20 answers came within the limits (88–100 %)"},
		"one in twenty":     {window(95, 5, 0), search.Likely, "undecided: 95 % of 100 answers came within the limits (90–98 %)"},
		"one in ten":        {window(36, 4, 0), search.Unlikely, "undecided: 90 % of 40 answers came within the limits (80–95 %)"},
		"half":              {window(10, 10, 0), search.Fails, "50 % of 20 answers came within the limits (33–67 %), under 95 %"},
		"failures count":    {window(10, 0, 10), search.Fails, "50 % of 20 answers came within the limits (33–67 %), under 95 %"},
		"none in the first": {window(0, 3, 0), search.Fails, "0 % of 3 answers came within the limits (0–47 %), under 95 %"},
	} {
		t.Run(name, func(t *testing.T) {
			share := u.goal.count(&u, c.window)
			share.Effective = 0 // each counts whole: windows here are in no order
			p, answer := u.judge(8, usersRule(suite.Options{}, 8), summary(len(c.window.Records), 0), share)
			require.Equal(t, c.answer, answer)
			require.Equal(t, c.why, p.Why)
		})
	}
}
