package suite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

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
	how, err := Case{Task: stack.ImageClassification, Model: "resnet50", Proto: stack.REST, Input: stack.JPEG, Batch: 1}.Capability(s)
	require.NoError(t, err)
	require.Equal(t, stack.Predict, how.Contract)
	_, err = Case{Task: stack.ImageClassification, Model: "resnet50", Proto: stack.REST, Input: stack.JPEG, Batch: 8}.Capability(s)
	require.EqualError(t, err, "the stack takes no jpeg in batches of 8 over rest")
	_, err = Case{Task: stack.ImageClassification, Model: "resnet50", Proto: stack.GRPC, Input: stack.JPEG, Batch: 1}.Capability(s)
	require.EqualError(t, err, "the stack has no grpc")
}

func TestWhatBatchersCanBeAsked(t *testing.T) {
	s := stack.Stack{Name: "queue", Unbatched: "plain", Serves: []stack.Capability{
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI},
	}}
	c := textCase(Mixed, 1)
	_, err := c.Capability(s)
	require.EqualError(t, err, "without batching it is plain, which is measured")
	c.Batcher = BatcherOff()
	_, err = c.Capability(s)
	require.NoError(t, err, "where batching is the question, off is an answer")
	c.Batcher = BatcherOn(32, 0)
	_, err = c.Capability(s)
	require.EqualError(t, err, "the stack has no dynamic batcher")
	s.Batcher = stack.Greedy
	_, err = c.Capability(s)
	require.NoError(t, err)
	c.Batcher = BatcherOff()
	_, err = c.Capability(s)
	require.EqualError(t, err, "the stack's batcher cannot be switched off")
	c.Batcher = BatcherOn(32, time.Millisecond)
	_, err = c.Capability(s)
	require.EqualError(t, err, "the stack's batcher waits for no request: it has no delay")
	s.Batcher = stack.Continuous
	_, err = c.Capability(s)
	require.EqualError(t, err, "the stack's batcher waits for no request: it has no delay")
	for b, told := range map[Batcher]stack.Batching{{}: {}, BatcherOff(): {Max: 1}, BatcherOn(32, 0): {Max: 32}} {
		require.Equal(t, told, b.Of(s))
		s.Unbatched, c.Batcher = "", b
		_, err = c.Capability(s)
		require.NoError(t, err)
	}
	s.Batcher, c.Batcher = stack.Patient, BatcherOn(32, time.Millisecond)
	require.Equal(t, stack.Batching{}, BatcherOff().Of(s))
	_, err = c.Capability(s)
	require.NoError(t, err)
	s.LeastWait, c.Batcher = time.Millisecond, BatcherOn(32, 0)
	_, err = c.Capability(s)
	require.EqualError(t, err, "the stack's batcher waits at least 1ms")
}

func TestAStackThatServesNothingOfAModel(t *testing.T) {
	g := Group{Cases: []Case{textCase(1, 1), textCase(2, 2)}}
	s := stack.Stack{Name: "fake", Serves: []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI}}}
	require.Equal(t, "", g.NoneOn(s, minilm, Quick))
	s.Serves = []stack.Capability{{Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text}}
	require.Equal(t, "the stack has no rest", g.NoneOn(s, minilm, Quick))
	s.Serves[0].Proto, s.Serves[0].MaxBatch = stack.REST, 1
	require.Equal(t, "", g.NoneOn(s, minilm, Quick), "one of two is one")
}
