package task

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/oip"
)

func testdata() fs.FS { return stackbench.Testdata() }

// tensors answers with fixed values, whatever was received.
func tensors(values ...float32) func(record.Answer) ([]oip.Tensor, error) {
	return func(record.Answer) ([]oip.Tensor, error) {
		return []oip.Tensor{oip.NewFP32("logits", []int64{1, int64(len(values))}, values)}, nil
	}
}

func logits() *quality.Golden {
	return &quality.Golden{Model: "m", Source: "seeded", SHA256: "a", Maker: "torch 2", Answers: map[string][]float32{
		"cat": {1, 9, 2, 3, 4, 0}, "dog": {9, 1, 3, 2, 0, 4},
	}}
}

// reads decodes as a work does whose answers have so many values.
func reads(decode decoder, width int) func(record.Answer, int) (Answers, error) {
	return func(a record.Answer, items int) (Answers, error) { return decode(a, items, width) }
}

// verdictOn examines one answer to a request of one item.
func verdictOn(decode func(record.Answer, int) (Answers, error), it Item, body string) quality.Verdict {
	w := &Work{In: Fixed{{Items: []Item{it}}}, Decode: decode}
	j := quality.NewLogits(logits(), stack.JPEG, "")
	w.Examine([]record.Record{{Answer: &record.Answer{Body: []byte(body)}}}, stack.JPEG, j)
	return j.Verdict()
}

func TestAnswersAreExamined(t *testing.T) {
	nan := float32(math.NaN())
	cat, made := Item{id: "cat", Golden: true}, Item{id: "made"}
	broken := func(record.Answer) ([]oip.Tensor, error) { return nil, errors.New("no such frame") }
	two := func(record.Answer) ([]oip.Tensor, error) { return make([]oip.Tensor, 2), nil }
	for name, c := range map[string]struct {
		read func(record.Answer) ([]oip.Tensor, error)
		item Item
		want string // "" is a right answer
	}{
		"right":       {tensors(1, 9, 2, 3, 4, 0), cat, ""},
		"another's":   {tensors(9, 1, 3, 2, 0, 4), cat, "cat: top-1 is 0, golden 1"},
		"off":         {tensors(1, 9, 2, 3.5, 4, 0), cat, "cat: a logit is 0.056 off, allowed 0.02"},
		"NaN":         {tensors(1, 9, nan, 3, 4, 0), cat, "cat: logit 2 is NaN"},
		"NaN, made":   {tensors(1, 9, nan, 3, 4, 0), made, "made: values that are not finite"},
		"short":       {tensors(1, 9), cat, "cat: output logits has 2 values, want 1 of 6"},
		"short, made": {tensors(1, 9), made, "made: output logits has 2 values, want 1 of 6"},
		"none":        {tensors(), cat, "is empty (shape [1 0]"},
		"two":         {two, cat, "cat: 2 output tensors, want one"},
		"unreadable":  {broken, cat, "cat: no such frame"},
	} {
		v := verdictOn(reads(decodeOIP(c.read), 6), c.item, "")
		require.Equal(t, c.want == "", v.OK(), "%s: %s", name, v.Reason())
		require.Contains(t, v.Reason(), c.want, name)
	}
}

func TestPredictAnswersAreExamined(t *testing.T) {
	top := func(s string) string { return `{"model":"m","top":[` + s + `]}` }
	best := `{"index":1,"logit":9},{"index":4,"logit":4},{"index":3,"logit":3},{"index":2,"logit":2},{"index":0,"logit":1}`
	worse := `{"index":0,"logit":9},{"index":5,"logit":4},{"index":2,"logit":3},{"index":3,"logit":2},{"index":1,"logit":1}`
	cat := Item{id: "cat", Golden: true}
	require.True(t, verdictOn(reads(decodePredict, 6), cat, top(best)).OK())
	for body, want := range map[string]string{
		top(worse):            "top-1 is 0, golden 1",
		top(""):               "0 classes, not 5",
		"<html>":              "not the contract's JSON",
		"":                    "not the contract's JSON",
		`{"top":"1"}`:         "not the contract's JSON",
		`{"error":"no luck"}`: "0 classes, not 5",
	} {
		v := verdictOn(reads(decodePredict, 6), cat, body)
		require.False(t, v.OK(), body)
		require.Contains(t, v.Reason(), want, body)
		require.False(t, verdictOn(reads(decodePredict, 6), Item{id: "made"}, body).OK(), body)
	}
}

func TestEmbeddingAnswersAreDecoded(t *testing.T) {
	decode := reads(decodeOpenAI, 2)
	data := func(s string) record.Answer {
		return record.Answer{Body: fmt.Appendf(nil, `{"data":[%s],"usage":{"prompt_tokens":1,"total_tokens":1}}`, s)}
	}
	got, err := decode(data(`{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2]}`), 2)
	require.NoError(t, err)
	require.Equal(t, Answers{values{1, 2}, values{3, 4}}, got)
	for _, bad := range []string{``, `{"index":0,"embedding":[1,2]}`, `{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}`,
		`{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}`, `{"index":0,"embedding":[1e99,2]},{"index":1,"embedding":[1,2]}`} {
		_, err := decode(data(bad), 2)
		require.Error(t, err, bad)
	}
}

// TestOnlyGoodKeptAnswersAreExamined: failures are counted elsewhere, and what
// was not kept cannot be checked.
func TestOnlyGoodKeptAnswersAreExamined(t *testing.T) {
	w := &Work{In: Fixed{{Items: []Item{{id: "cat", Golden: true}}}}, Decode: reads(decodeOIP(tensors(1, 9, 2, 3, 4, 0)), 6)}
	j := quality.NewLogits(logits(), stack.JPEG, "")
	w.Examine([]record.Record{{}, {Outcome: record.Status, Answer: &record.Answer{}}}, stack.JPEG, j)
	require.Equal(t, "no answer was checked", j.Verdict().Reason())
	w.Examine([]record.Record{{Seq: 7, Answer: &record.Answer{}}}, stack.JPEG, j)
	require.True(t, j.Verdict().OK())
}

func TestWithoutAReferenceNothingIsRight(t *testing.T) {
	for _, got := range []Answers{{values{1}}, {classes{{Index: 1}}}} {
		u := &unchecked{why: "nothing is known"}
		examineItem(Item{id: "cat", Golden: true}, 0, got, stack.JPEG, u)
		require.NoError(t, u.Fault())
		require.False(t, u.Verdict().OK())
		require.Equal(t, "no answer was checked: nothing is known", u.Verdict().Reason())
	}
	u := &unchecked{why: "nothing is known"}
	examineItem(Item{id: "cat", Golden: true}, 0, Answers{values{float32(math.Inf(1))}}, stack.JPEG, u)
	require.EqualError(t, u.Fault(), "the answer is wrong: cat: values that are not finite")
}
