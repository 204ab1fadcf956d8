package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
)

func recordOf(body string) record.Answer { return record.Answer{Body: []byte(body)} }

// TestAnswersOfAnotherKindAreWrong: a judge that cannot check an answer says so.
// It neither panics nor takes it for right.
func TestAnswersOfAnotherKindAreWrong(t *testing.T) {
	text := Answers{written(generation.Text{Text: "a"})}
	top := Answers{classes{{Index: 1, Logit: 9}}}
	vector := Answers{values{1, 9, 2, 3, 4, 0}}
	golden := &quality.GoldenTexts{Answers: map[string]quality.GoldenText{}}
	for name, c := range map[string]struct {
		judge Judge
		wrong []Answers
	}{
		"logits":     {quality.NewLogits(logits(), stack.JPEG, ""), []Answers{text, {}}},
		"embeddings": {quality.NewEmbeddings(logits(), ""), []Answers{text, top, {}}},
		"texts":      {quality.NewTexts(golden, quality.NearTie), []Answers{vector, top, {}}},
		"nothing":    {&unchecked{}, []Answers{text, {}}},
	} {
		for _, got := range c.wrong {
			for _, known := range []bool{true, false} {
				examineItem(Item{id: "cat", Golden: known}, 0, got, stack.JPEG, c.judge)
			}
		}
		v := c.judge.Verdict()
		require.False(t, v.OK(), name)
		require.Contains(t, v.Reason(), "cat: ", name)
		require.Zero(t, v.Agree, name)
	}
	j := quality.NewLogits(logits(), stack.JPEG, "")
	examineItem(Item{id: "dog"}, 1, vector, stack.JPEG, j)
	require.Contains(t, j.Verdict().Reason(), "dog: it has no values", "the second of one")
}

// TestEveryTaskHasItsJudge: what is known decides; nothing is judged by the
// rules of another task.
func TestEveryTaskHasItsJudge(t *testing.T) {
	vectors := Right{Golden: logits(), Ungolden: "none of these weights"}
	texts := Right{Texts: &quality.GoldenTexts{}, Ungolden: "none of these weights"}
	for _, c := range []struct {
		task stack.Task
		m    Right
		want Judge
	}{
		{stack.ImageClassification, vectors, quality.NewLogits(vectors.Golden, stack.JPEG, "")},
		{stack.Embeddings, vectors, quality.NewEmbeddings(vectors.Golden, "")},
		{stack.TextGeneration, texts, quality.NewTexts(texts.Texts, quality.NearTie)},
		{stack.ImageClassification, texts, &unchecked{why: "none of these weights"}},
		{stack.Embeddings, texts, &unchecked{why: "none of these weights"}},
		{stack.TextGeneration, vectors, quality.Unknown("none of these weights")},
		{"translation", vectors, &unchecked{why: `no judge of the task "translation"`}},
		{"translation", texts, &unchecked{why: `no judge of the task "translation"`}},
	} {
		require.Equal(t, c.want, JudgeOf(c.task, c.m, stack.JPEG, ""), c.task)
	}
	require.Equal(t, quality.NewTexts(texts.Texts, quality.NearTie16), JudgeOf(stack.TextGeneration, texts, stack.Text, "fp16"))
	require.Equal(t, quality.NewEmbeddings(vectors.Golden, "fp16"), JudgeOf(stack.Embeddings, vectors, stack.Text, "fp16"))
	u := KindOf("translation").Unchecked("")
	require.False(t, u.Verdict().OK())
	require.Contains(t, u.Verdict().Reason(), `no judge of the task "translation"`)
}

func TestTheWidthOfAnAnswerIsInTheDescription(t *testing.T) {
	for want, shape := range map[int][]int64{1000: {-1, 1000}, 384: {384}} {
		n, err := Width(answersWith([]stack.TensorSpec{{Shape: shape}}))
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err := Width(stack.Model{})
	require.ErrorContains(t, err, "the model has no graph")
	for _, shape := range [][]int64{nil, {}, {1, -1}, {0}} {
		_, err := Width(answersWith([]stack.TensorSpec{{Name: "logits", Shape: shape}}))
		require.ErrorContains(t, err, `the output "logits" has the shape [`)
	}
}

// answersWith is a model of one graph with these outputs.
func answersWith(outputs []stack.TensorSpec) stack.Model {
	return stack.Model{Graphs: []stack.Graph{{Name: stack.Whole, Precision: stack.FP32, Outputs: outputs}}}
}
