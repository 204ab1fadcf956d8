package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/plan"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

func TestNamesAreReadBack(t *testing.T) {
	g := Group{Title: "ImageClassification"}
	for want, c := range map[string]Case{
		"ImageClassification/stack=one/model=resnet50/proto=rest/input=jpeg/batch=8/load=closed/conc=16": {
			Model: "resnet50", Proto: stack.REST, Input: stack.JPEG, Batch: 8, Load: Closed(16)},
		"ImageClassification/stack=one/model=resnet50/proto=grpc/input=tensor/batch=1/load=open/rate=4": {
			Model: "resnet50", Proto: stack.GRPC, Input: stack.Tensor, Batch: 1, Load: Open(4)},
		"ImageClassification/stack=one/model=gpt2/proto=sse/input=text/tokens=chat/prefix=shared/batch=1/load=users": {
			Model: "gpt2", Proto: stack.SSE, Input: stack.Text, Lengths: Chat, Share: true, Batch: 1, Load: Users()},
		"ImageClassification/stack=one/model=m/proto=rest/input=text/batch=mixed/batcher=off/load=knee": {
			Model: "m", Proto: stack.REST, Input: stack.Text, Batch: Mixed, Batcher: BatcherOff(), Load: Knee(time.Second)},
	} {
		n := nameOf(g, stack.Stack{Name: "one"}, c)
		require.Equal(t, want, n.String())
		require.NoError(t, n.Check())
		back, err := results.ParseName(want)
		require.NoError(t, err)
		require.Equal(t, n, back)
	}
}

func TestCasesOfOneModelStandTogether(t *testing.T) {
	a, b := textCase(1, 1), textCase(2, 2)
	other := Case{Task: stack.Embeddings, Model: "other", Batch: 1, Load: Closed(1)}
	later := textCase(8, 8)
	later.From = Standard
	g := Group{Cases: []Case{a, other, b, later}}
	require.Equal(t, []Case{a, b, other}, g.byServer(Quick, stack.Stack{}))
	require.Equal(t, []Case{a, b, later, other}, g.byServer(Standard, stack.Stack{}))
	require.Equal(t, []string{minilm, "other"}, g.Models(Full))
	require.True(t, Has(g.Cases, textCase(8, 8)), "the profile is no part of a name")
	require.False(t, Has(g.Cases, textCase(8, 9)))
}

func TestWhyAStackDoesNotServeACase(t *testing.T) {
	s := stack.Stack{Name: "one", Serves: []stack.Capability{
		{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.Predict, MaxBatch: 1},
		{Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text, Contract: stack.OIP},
	}}
	how, err := Case{Task: stack.ImageClassification, Model: "resnet50", Proto: stack.REST, Input: stack.JPEG, Batch: 1}.capability(s)
	require.NoError(t, err)
	require.Equal(t, stack.Predict, how.Contract)
	_, err = Case{Task: stack.ImageClassification, Model: "resnet50", Proto: stack.REST, Input: stack.JPEG, Batch: 8}.capability(s)
	require.EqualError(t, err, "the stack takes no jpeg in batches of 8 over rest")
	_, err = Case{Task: stack.ImageClassification, Model: "resnet50", Proto: stack.GRPC, Input: stack.JPEG, Batch: 1}.capability(s)
	require.EqualError(t, err, "the stack has no grpc")
}

func TestAStackThatServesNothingOfAModel(t *testing.T) {
	g := Group{Cases: []Case{textCase(1, 1), textCase(2, 2)}}
	s := fakeStack(t, "fake", "right")
	require.Equal(t, "", g.noneOn(s, minilm, Quick))
	s.Serves = []stack.Capability{{Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text}}
	require.Equal(t, "the stack has no rest", g.noneOn(s, minilm, Quick))
	s.Serves[0].Proto, s.Serves[0].MaxBatch = stack.REST, 1
	require.Equal(t, "", g.noneOn(s, minilm, Quick), "one of two is one")
}

func TestWhatBatchersCanBeAsked(t *testing.T) {
	s := stack.Stack{Name: "queue", Unbatched: "plain", Serves: []stack.Capability{
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
	}}
	c := textCase(Mixed, 1)
	_, err := c.capability(s)
	require.EqualError(t, err, "without batching it is plain, which is measured")
	c.Batcher = BatcherOff()
	_, err = c.capability(s)
	require.NoError(t, err, "where batching is the question, off is an answer")
	c.Batcher = BatcherOn(32, 0)
	_, err = c.capability(s)
	require.EqualError(t, err, "the stack has no dynamic batcher")
	s.Batcher = stack.Greedy
	_, err = c.capability(s)
	require.NoError(t, err)
	c.Batcher = BatcherOff()
	_, err = c.capability(s)
	require.EqualError(t, err, "the stack's batcher cannot be switched off")
	c.Batcher = BatcherOn(32, time.Millisecond)
	_, err = c.capability(s)
	require.EqualError(t, err, "the stack's batcher waits for no request: it has no delay")
	s.Batcher = stack.Continuous
	_, err = c.capability(s)
	require.EqualError(t, err, "the stack's batcher waits for no request: it has no delay")
	for b, told := range map[Batcher]stack.Batching{{}: {}, BatcherOff(): {Max: 1}, BatcherOn(32, 0): {Max: 32}} {
		require.Equal(t, told, b.of(s))
		s.Unbatched, c.Batcher = "", b
		_, err = c.capability(s)
		require.NoError(t, err)
	}
	s.Batcher, c.Batcher = stack.Patient, BatcherOn(32, time.Millisecond)
	require.Equal(t, stack.Batching{}, BatcherOff().of(s))
	_, err = c.capability(s)
	require.NoError(t, err)
	s.LeastWait, c.Batcher = time.Millisecond, BatcherOn(32, 0)
	_, err = c.capability(s)
	require.EqualError(t, err, "the stack's batcher waits at least 1ms")
}

func TestPlanTellsWhatIsSkippedAndWhy(t *testing.T) {
	grpc := textCase(1, 1)
	grpc.Proto = stack.GRPC
	r, _ := testRun(t, textCase(1, 1), textCase(2, 2), grpc)
	imageOnly := stack.Stack{Name: "no-process", Container: &stack.Container{}}
	r.set(func(o *Options) { o.Stacks = []stack.Stack{fakeStack(t, "fake", "right"), imageOnly} })
	leaves, err := leavesOf(context.Background(), r.env, r.group)
	require.NoError(t, err)
	require.Len(t, leaves, 6)
	seconds := seconds(textCase(1, 1), r.options)
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

func TestGPUNeedsAGPUBuild(t *testing.T) {
	r, _ := testRun(t)
	r.env.device = stack.GPU
	refusal, err := r.env.refusal(context.Background(), fakeStack(t, "fake", "right"))
	require.NoError(t, err)
	require.Equal(t, "it has no GPU build: measure it with -device=cpu", refusal)
}

func TestOneLineOfAnError(t *testing.T) {
	require.Equal(t, "what", oneLine(errors.New("what\ncure")))
	require.Equal(t, "what: cause; what to do", oneLine(&boot.Failure{What: "what", Cure: "cure", Log: "chatter\n cause\nwhat to do\n"}))
	reason, skip := skippable(&boot.Unavailable{Reason: "no Docker", Cure: "install it"})
	require.True(t, skip)
	require.Equal(t, "no Docker: install it", reason)
	_, skip = skippable(errors.New("anything else"))
	require.False(t, skip)
}
