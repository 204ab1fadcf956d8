package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/golden"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// cheatWindow holds some requests on a machine that has other work, too.
const cheatWindow = time.Second

// cheated measures a stack that does as it says, beside an honest reference.
func cheated(t *testing.T, how string) results.Trial {
	t.Helper()
	r, notes := testRun(t, textCase(1, 1))
	r.set(func(o *suite.Options) { o.Window = cheatWindow })
	r.Golden.Reference = fakestack.Patient(fakestack.New(t, "reference", "right"))
	trials, _ := measured(context.Background(), t, r, fakestack.Patient(fakestack.New(t, "fake", how)))
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
	require.Contains(t, strings.Join(results.Texts(one.Invalid), ";"), "made-")
	require.Less(t, one.Answers.Agree, one.Answers.Checked)
}

// cheatedImages measures a classifier that does as it says, beside an honest
// reference.
func cheatedImages(t *testing.T, how string) results.Trial {
	t.Helper()
	c := suite.Case{Task: stack.ImageClassification, Model: fakestack.ResNet50, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Closed(1)}
	served, right := fakestack.Classifier(t)
	var notes strings.Builder
	r := runOf(t, suite.Group{Name: "image_classification", Title: "ImageClassification", Cases: []suite.Case{c}}, &golden.Model{Served: served, Right: right}, &notes)
	r.set(func(o *suite.Options) { o.Window = 2 * cheatWindow }) // a picture is decoded, too, and a busy machine takes long
	r.Golden.Reference = fakestack.Patient(fakestack.Images(t, "reference", "right"))
	one := r.only(t, fakestack.Patient(fakestack.Images(t, "fake", how)), fakestack.ResNet50, &notes)
	require.Empty(t, one.Error)
	return one
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
	require.Less(t, one.Metrics["img/s"], 1.05/fakestack.Computing.Seconds(), "and none of its answers came in the window from memory: no two pictures are alike")
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
	r.Golden.Reference = fakestack.New(t, "reference", "right")
	trials, _ := measured(context.Background(), t, r, fakestack.New(t, "fake", "garbage"))
	require.True(t, strings.HasPrefix(stream.String(), "# invalid "+trials[0].Name+": answers: "), stream.String())
	require.Equal(t, 1, strings.Count(stream.String(), "\n"))
	require.Equal(t, []string{trials[0].Name}, r.wrong)
	b, err := results.ReadBench(strings.NewReader(stream.String()+trials[0].BenchLine()+"\nBenchmarkOther 1 5 p50-ms\n"), "bench.txt")
	require.NoError(t, err)
	require.Equal(t, []string{"Other"}, b.Names)
}

func TestWithoutTheReferenceAWindowIsInDoubt(t *testing.T) {
	r, _ := testRun(t, textCase(1, 1))
	r.Golden.Reference = fakestack.New(t, "reference", "dies=0")
	trials, _ := measured(context.Background(), t, r, fakestack.New(t, "fake", "honest"))
	require.Empty(t, trials[0].Invalid)
	require.Len(t, trials[0].Doubts, 1)
	require.Contains(t, trials[0].Doubts[0].Text, "no answer drawn at random could be checked: start reference: the server exited with code 3")
}

// TestEmptyAnswersAreFailures: a status of success does not make an answer.
func TestEmptyAnswersAreFailures(t *testing.T) {
	for how, kind := range map[string]string{"empty=3": "malformed", "refusal=3": "error-event"} {
		r, _ := testRun(t, textCase(1, 1))
		r.set(func(o *suite.Options) { o.Window = cheatWindow })
		trials, _ := measured(context.Background(), t, r, fakestack.New(t, "fake", how))
		require.Positive(t, trials[0].Failed[kind], how)
		require.Contains(t, rules(trials[0].Invalid), string(meter.RuleFailed), how)
	}
}

func cheatedText(t *testing.T, how string) results.Trial {
	t.Helper()
	r, notes := textRun(t, suite.Closed(1))
	r.set(func(o *suite.Options) { o.Window = cheatWindow })
	r.Golden.Reference = fakestack.Patient(fakestack.Texts(t, "reference", "texts", stack.REST))
	return r.only(t, fakestack.Patient(fakestack.Texts(t, "fake", how, stack.SSE)), gpt2, notes)
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
	require.Contains(t, strings.Join(results.Texts(one.Invalid), ";"), "drawn answers begin otherwise, where near-ties explain 3")
}

// TestTextsThatBeginRightAreFound: all after the first word is made up.
func TestTextsThatBeginRightAreFound(t *testing.T) {
	one := cheatedText(t, "begins")
	require.Equal(t, []string{string(meter.RuleAnswers)}, rules(one.Invalid))
	require.Contains(t, strings.Join(results.Texts(one.Invalid), ";"), "leave those of the embedded stack within 8 tokens")
}

// TestTokensThatNoEventCarriedAreFound: half the text, and the count of all.
func TestTokensThatNoEventCarriedAreFound(t *testing.T) {
	one := cheatedText(t, "halves")
	require.Empty(t, one.Error)
	require.Equal(t, []string{string(meter.RuleTokens)}, rules(one.Invalid))
	require.Contains(t, strings.Join(results.Texts(one.Invalid), ";"), "where the events of its streams carried")
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
