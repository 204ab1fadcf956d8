package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// cheatWindow holds some requests on a machine that has other work, too.
const cheatWindow = time.Second

// patient gives a stack the time to start that a busy machine takes.
func patient(s stack.Stack) stack.Stack {
	s.Process.StartLimit = time.Minute
	return s
}

// cheated measures a stack that does as it says, beside an honest reference.
func cheated(t *testing.T, how string) results.Trial {
	t.Helper()
	r, notes := testRun(t, textCase(1, 1))
	r.set(func(o *suite.Options) { o.Window = cheatWindow })
	r.Golden.Of = patient(fakeStack(t, "reference", "right"))
	trials, _ := measured(context.Background(), t, r, patient(fakeStack(t, "fake", how)))
	require.Len(t, trials, 1, notes.String())
	require.Empty(t, trials[0].Error)
	return trials[0]
}

func rules(broken []results.Reason) []string {
	var out []string
	for _, why := range broken {
		if rule := meter.Rule(why.Rule); rule != meter.RuleClientCPU && !rule.Disturbed() { // what a busy machine adds
			out = append(out, why.Rule)
		}
	}
	return out
}

func TestAnHonestStackIsProved(t *testing.T) {
	one := cheated(t, "honest")
	require.Empty(t, rules(one.Invalid))
	require.Empty(t, rules(one.Doubts))
	require.Equal(t, one.Answers.Checked, one.Answers.Agree)
	require.Greater(t, one.Answers.Of, one.Answers.Checked-1)
	require.Contains(t, one.Answers.Rule, "drawn at random")
	require.Positive(t, one.Metrics["emb/s"])
}

func TestACacheIsFound(t *testing.T) {
	for _, how := range []string{"bytes", "words"} {
		one := cheated(t, how)
		require.Equal(t, []string{string(meter.RuleCached)}, rules(one.Invalid), how)
		require.Less(t, one.Metrics["emb/s"], 210.0, "and none of its answers came in the window from memory: each takes 5 ms")
	}
}

func TestMadeUpAnswersAreFound(t *testing.T) {
	one := cheated(t, "garbage")
	require.Equal(t, []string{string(meter.RuleAnswers)}, rules(one.Invalid))
	require.Contains(t, one.Invalid[0].Text, "made-")
	require.Less(t, one.Answers.Agree, one.Answers.Checked)
}

func TestAnHonestClassifierIsProved(t *testing.T) {
	one := cheatedImages(t, "honest")
	require.Empty(t, rules(one.Invalid))
	require.Empty(t, rules(one.Doubts))
	require.Equal(t, one.Answers.Checked, one.Answers.Agree)
	require.Contains(t, one.Answers.Rule, "drawn at random, top-1")
	require.Positive(t, one.Metrics["img/s"])
}

// TestACacheOfPicturesIsFound, though it looks at nothing but their pixels.
func TestACacheOfPicturesIsFound(t *testing.T) {
	one := cheatedImages(t, "pixels")
	require.Equal(t, []string{string(meter.RuleCached)}, rules(one.Invalid))
	require.Less(t, one.Metrics["img/s"], 1.05/computing.Seconds(), "and none of its answers came in the window from memory: no two pictures are alike")
}

func TestMadeUpClassesAreFound(t *testing.T) {
	one := cheatedImages(t, "garbage")
	require.Contains(t, rules(one.Invalid), string(meter.RuleAnswers), "beside what a client does that is answered at once")
	require.Contains(t, strings.Join(results.Texts(one.Invalid), ";"), "made-")
	require.Less(t, one.Answers.Agree, one.Answers.Checked)
}

// TestWrongResultsAreMarkedInTheStream: who has but the benchmark's own lines
// sees it, and the process fails.
func TestWrongResultsAreMarkedInTheStream(t *testing.T) {
	r, _ := testRun(t, textCase(1, 1))
	var stream strings.Builder
	r.marks = &stream
	r.Golden.Of = fakeStack(t, "reference", "right")
	trials, _ := measured(context.Background(), t, r, fakeStack(t, "fake", "garbage"))
	require.True(t, strings.HasPrefix(stream.String(), "# invalid "+trials[0].Name+": answers: "), stream.String())
	require.Equal(t, 1, strings.Count(stream.String(), "\n"))
	require.Equal(t, []string{trials[0].Name}, r.wrong)
	b, err := results.ReadBench(strings.NewReader(stream.String()+trials[0].BenchLine()+"\nBenchmarkOther 1 5 p50-ms\n"), "bench.txt")
	require.NoError(t, err)
	require.Equal(t, []string{"Other"}, b.Names)
}

func TestWithoutTheReferenceAWindowIsInDoubt(t *testing.T) {
	r, _ := testRun(t, textCase(1, 1))
	r.Golden.Of = fakeStack(t, "reference", "dies=0")
	trials, _ := measured(context.Background(), t, r, fakeStack(t, "fake", "honest"))
	require.Empty(t, trials[0].Invalid)
	require.Len(t, trials[0].Doubts, 1)
	require.Contains(t, trials[0].Doubts[0].Text, "no answer drawn at random could be checked: start reference: the server exited with code 3")
}

// TestEmptyAnswersAreFailures: a status of success does not make an answer.
func TestEmptyAnswersAreFailures(t *testing.T) {
	for how, kind := range map[string]string{"empty=3": "malformed", "refusal=3": "error-event"} {
		r, _ := testRun(t, textCase(1, 1))
		r.set(func(o *suite.Options) { o.Window = cheatWindow })
		trials, _ := measured(context.Background(), t, r, fakeStack(t, "fake", how))
		require.Positive(t, trials[0].Failed[kind], how)
		require.Contains(t, rules(trials[0].Invalid), string(meter.RuleFailed), how)
	}
}

func cheatedText(t *testing.T, how string) results.Trial {
	t.Helper()
	r, notes := textRun(t, suite.Closed(1))
	r.set(func(o *suite.Options) { o.Window = cheatWindow })
	reference := fakeStack(t, "reference", "text:texts")
	reference.Serves = []stack.Capability{{Task: stack.TextGeneration, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI}}
	r.Golden.Of = patient(reference)
	s := patient(textStack(t, how))
	testing.Benchmark(func(b *testing.B) { r.cases(context.Background(), b, s, gpt2) })
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	require.Len(t, kept.Trials, 1, notes.String())
	return kept.Trials[0]
}

func TestHonestTextsAreProved(t *testing.T) {
	one := cheatedText(t, "texts")
	require.Empty(t, one.Error)
	require.Empty(t, one.Invalid)
	require.Empty(t, one.Doubts)
	require.Contains(t, one.Answers.Rule, "drawn at random, the first 8 tokens of the embedded stack")
}

func TestTextsThatAreMadeUpAreFound(t *testing.T) {
	one := cheatedText(t, "babble")
	require.Equal(t, []string{string(meter.RuleAnswers)}, rules(one.Invalid))
	require.Contains(t, one.Invalid[0].Text, "drawn answers begin otherwise, where near-ties explain 3")
}

// TestTextsThatBeginRightAreFound: all after the first word is made up.
func TestTextsThatBeginRightAreFound(t *testing.T) {
	one := cheatedText(t, "begins")
	require.Equal(t, []string{string(meter.RuleAnswers)}, rules(one.Invalid))
	require.Contains(t, one.Invalid[0].Text, "leave those of the embedded stack within 8 tokens")
}

// TestTokensThatNoEventCarriedAreFound: half the text, and the count of all.
func TestTokensThatNoEventCarriedAreFound(t *testing.T) {
	one := cheatedText(t, "halves")
	require.Empty(t, one.Error)
	require.Equal(t, []string{string(meter.RuleTokens)}, rules(one.Invalid))
	require.Contains(t, one.Invalid[0].Text, "where the events of its streams carried")
}

// TestTokensThatNeverCameAreFound: the text of one, and the count of all.
func TestTokensThatNeverCameAreFound(t *testing.T) {
	one := cheatedText(t, "claims")
	require.Empty(t, one.Error)
	require.Equal(t, []string{string(meter.RuleAnswers), string(meter.RuleTokens)}, rules(one.Invalid))
}

// TestNobodyHadTimeToAsk: a window without a request has no answers that fail.
func TestNobodyHadTimeToAsk(t *testing.T) {
	var stream strings.Builder
	r := &run{marks: &stream}
	r.mark(results.Trial{Name: "A", Invalid: []results.Reason{{Rule: "answers", Text: "no answer was checked"}}})
	require.Empty(t, r.wrong)
	r.mark(results.Trial{Name: "A", Issued: 1, Invalid: []results.Reason{{Rule: "answers", Text: "no answer was checked"}}})
	require.Equal(t, []string{"A"}, r.wrong)
}
