package trial

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

func TestNamesAreReadBack(t *testing.T) {
	g := suite.Group{Title: "ImageClassification"}
	for want, c := range map[string]suite.Case{
		"ImageClassification/stack=one/model=resnet50/proto=rest/input=jpeg/batch=8/load=closed/conc=16": {
			Model: "resnet50", Proto: stack.REST, Input: stack.JPEG, Batch: 8, Load: suite.Closed(16)},
		"ImageClassification/stack=one/model=resnet50/proto=grpc/input=tensor/batch=1/load=open/rate=4": {
			Model: "resnet50", Proto: stack.GRPC, Input: stack.Tensor, Batch: 1, Load: suite.Open(4)},
		"ImageClassification/stack=one/model=gpt2/proto=sse/input=text/tokens=chat/prefix=shared/batch=1/load=users": {
			Model: "gpt2", Proto: stack.SSE, Input: stack.Text, Lengths: suite.Chat, Share: true, Batch: 1, Load: suite.Users()},
		"ImageClassification/stack=one/model=m/proto=rest/input=text/batch=mixed/batcher=off/load=knee": {
			Model: "m", Proto: stack.REST, Input: stack.Text, Batch: suite.Mixed, Batcher: suite.BatcherOff(), Load: suite.Knee(time.Second)},
	} {
		n := nameOf(g, stack.Stack{Name: "one"}, c)
		require.Equal(t, want, n.String())
		require.NoError(t, n.Check())
		back, err := results.ParseName(want)
		require.NoError(t, err)
		require.Equal(t, n, back)
	}
}

func TestPlanTellsWhatIsSkippedAndWhy(t *testing.T) {
	grpc := textCase(1, 1)
	grpc.Proto = stack.GRPC
	r, _ := testRig(t, textCase(1, 1), textCase(2, 2), grpc)
	imageOnly := stack.Stack{Name: "no-process", Container: &stack.Container{}}
	r.Host.Options.Stacks = []stack.Stack{fakestack.New(t, "fake", "right"), imageOnly}
	leaves, err := Leaves(context.Background(), r.Host, r.Group)
	require.NoError(t, err)
	require.Len(t, leaves, 6)
	seconds := seconds(textCase(1, 1), r.Options)
	require.Positive(t, seconds)
	require.Equal(t, plan.Leaf{
		Name:  "Embeddings/stack=fake/model=" + minilm + "/proto=rest/input=text/batch=1/load=closed/conc=1",
		Stack: "fake", Model: minilm, Seconds: seconds, Start: startSeconds,
	}, leaves[0])
	require.Zero(t, leaves[1].Start, "the stack is up already")
	require.Equal(t, "the stack has no grpc", leaves[2].Skip)
	require.Zero(t, leaves[2].Seconds)
	for _, l := range leaves[3:] {
		require.Equal(t, "no-process does not run as a process: use --launcher container", l.Skip)
	}
}
