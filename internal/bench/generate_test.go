package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/golden"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/unit"
)

const gpt2 = fakestack.GPT2

// textRun measures cases of generated text.
func textRun(t *testing.T, loads ...suite.Load) (*run, *strings.Builder) {
	t.Helper()
	g := suite.Group{Name: "text_generation", Title: "TextGeneration", Limits: suite.Limits{TTFT: time.Second, ITL: 100 * time.Millisecond}}
	for _, l := range loads {
		g.Cases = append(g.Cases, suite.Case{Task: stack.TextGeneration, Model: gpt2, Proto: stack.SSE, Input: stack.Text, Lengths: suite.Chat, Batch: 1, Load: l})
	}
	served, right := fakestack.Writer(t)
	var notes strings.Builder
	return runOf(t, g, &golden.Model{Served: served, Right: right}, &notes), &notes
}

func measuredTexts(t *testing.T, how string, loads ...suite.Load) results.Trial {
	t.Helper()
	r, notes := textRun(t, loads...)
	return r.only(t, fakestack.Texts(t, "fake", how, stack.SSE), gpt2, notes)
}

// only runs a model's one case on a stack, and gives its trial.
func (r *run) only(t *testing.T, s stack.Stack, model string, notes *strings.Builder) results.Trial {
	t.Helper()
	testing.Benchmark(func(b *testing.B) { r.cases(context.Background(), b, s, model) })
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	require.Len(t, kept.Trials, 1, notes.String())
	return kept.Trials[0]
}

func TestTextsAreMeasured(t *testing.T) {
	one := measuredTexts(t, "texts", suite.Closed(2))
	require.Empty(t, one.Error)
	require.Empty(t, one.Invalid)
	require.Equal(t, "TextGeneration/stack=fake/model=gpt2/proto=sse/input=text/tokens=chat/batch=1/load=closed/conc=2", one.Name)
	for _, unit := range []unit.Name{"ttft-ms", "itl-ms", "tok/s", "goodput-rps", "p50-ms"} {
		require.Contains(t, one.Metrics, unit)
	}
	require.Positive(t, one.Answers.Agree)
	require.Equal(t, one.Answers.Checked, one.Answers.Agree)
	require.Contains(t, one.Answers.Rule, "tokens and ends")
	require.Equal(t, "none: the server computed every prompt", one.Withheld["prefix-hit-%"])
}

func TestWrongTextsFailAStart(t *testing.T) {
	for how, want := range map[string]string{
		"off":   "where it was sure",
		"short": "exactly",
		"cut":   `the request ended as "cut"`,
		"fault": `the request ended as "error-event"`,
		"full":  `the request ended as "status" (code 429)`,
	} {
		t.Run(how, func(t *testing.T) {
			one := measuredTexts(t, how, suite.Closed(1))
			require.Contains(t, one.Error, want)
			require.Empty(t, one.Metrics)
		})
	}
}

func TestAPrefixCacheThatAnswersIsInvalid(t *testing.T) {
	one := measuredTexts(t, "cached", suite.Closed(1))
	require.Equal(t, []string{"the server had 100 % of the prompts' tokens in its prefix cache, over 1 %: it did not compute what was asked"}, results.Texts(one.Invalid))
	require.InDelta(t, 100, one.Metrics["prefix-hit-%"], 1e-9)
}

func TestMostUsersWithinTheLimits(t *testing.T) {
	one := measuredTexts(t, "crowd=3", suite.Users())
	require.Empty(t, one.Error)
	require.Equal(t, "TextGeneration/stack=fake/model=gpt2/proto=sse/input=text/tokens=chat/batch=1/load=users", one.Name)
	require.InDelta(t, 1000, one.Knee.TTFTMS, 1e-9)
	if why := one.Withheld["users"]; why != "" { // on a machine that is too busy to say
		require.NotContains(t, one.Metrics, unit.Users)
		return
	}
	require.InDelta(t, 3, one.Metrics["users"], 0)
	require.Equal(t, 4, one.Knee.Probes[0].Users)
	require.False(t, one.Knee.Probes[0].Holds)
	require.NotContains(t, one.Metrics, unit.ITL, "stacks at their own limits are not compared by it")
}
