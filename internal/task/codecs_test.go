package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/workload"
)

// TestNoWayIsSpokenTwice: of two rows for one way the second would be dead.
func TestNoWayIsSpokenTwice(t *testing.T) {
	seen := map[way]bool{}
	for _, c := range codecs() {
		require.False(t, seen[c.way], "two codecs of %v", c.way)
		seen[c.way] = true
		require.NotNil(t, c.open, c.way)
		require.NotNil(t, c.decode, c.way)
		require.NotContains(t, []any{c.contract, c.task, c.proto, c.input}, "", c.way)
	}
}

// capable is the capability that a codec carries.
func (w way) capable() stack.Capability {
	return stack.Capability{Contract: w.contract, Task: w.task, Proto: w.proto, Input: w.input}
}

// requestFor is a request of one item as a codec carries it: a committed input,
// or where there is none, one that was made.
func requestFor(t *testing.T, c codec) batch {
	t.Helper()
	if c.task == stack.TextGeneration {
		return batch{[]Item{{id: "one", Golden: true, asked: 4}}, []content{prompt{workload.Prompt{ID: "one", Text: "a text", Tokens: 4}}}}
	}
	f, err := formOf(c.input)
	require.NoError(t, err)
	all, err := f.committed(serving(4))
	require.NoError(t, err)
	if len(all) == 0 {
		return batch{[]Item{{id: "one"}}, []content{raw[[]int64]{c.input, []int64{1, 2}}}}
	}
	return all[0]
}

// TestEveryCodecBuildsARequest: each row makes requests of an input of its form,
// over its transport.
func TestEveryCodecBuildsARequest(t *testing.T) {
	m := serving(4)
	m.Graphs = []stack.Graph{{Name: stack.Whole, Precision: stack.FP32, Inputs: []stack.TensorSpec{{Name: "input_ids"}, {Name: "attention_mask"}}}}
	m.Text = &stack.TextSpec{}
	for _, c := range codecs() {
		at := stack.Endpoint{REST: "127.0.0.1:1", GRPC: "127.0.0.1:1"}
		if c.proto.HTTP() {
			at.GRPC = ""
		} else {
			at.REST = ""
		}
		w, err := Assemble(Fixed{requestFor(t, c)}, c.capable(), m, at)
		require.NoError(t, err, "%v", c.way)
		require.NotNil(t, w.Target, "%v", c.way)
		_, err = w.Decode(recordOf("<html>"), 1)
		require.Error(t, err, "%v takes a page for an answer", c.way)
		require.NoError(t, w.Close(), "%v", c.way)
	}
}

// TestWhatHasNoCodecIsNamed: nothing unknown is taken for something else.
func TestWhatHasNoCodecIsNamed(t *testing.T) {
	known := stack.Capability{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.OIP}
	require.True(t, HasCodec(known))
	for name, change := range map[string]func(*stack.Capability){
		"the contract \"smoke-signals\"": func(c *stack.Capability) { c.Contract = "smoke-signals" },
		"for \"translation\"":            func(c *stack.Capability) { c.Task = "translation" },
		"by \"clip\"":                    func(c *stack.Capability) { c.Input = "clip" },
		"over \"quic\"":                  func(c *stack.Capability) { c.Proto = "quic" },
	} {
		how := known
		change(&how)
		require.False(t, HasCodec(how), name)
		_, err := Assemble(Fixed{{}}, how, serving(4), stack.Endpoint{REST: "127.0.0.1:1", GRPC: "127.0.0.1:1"})
		require.ErrorContains(t, err, "build requests: no codec of the contract ", name)
		require.ErrorContains(t, err, name)
		require.False(t, answersWhole(how), name)
	}
	how := stack.Capability{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.TEI}
	_, err := prompts(workload.Chat, false, how, 1)
	require.ErrorContains(t, err, `no codec of the contract "tei" for "text-generation"`)
	_, err = given(nil, how)
	require.ErrorContains(t, err, `no codec of the contract "tei" for "text-generation"`)
	_, err = everything(suite.Case{Input: "clip"}, serving(1))
	require.EqualError(t, err, `no inputs of the form "clip"`)
	_, err = everything(suite.Case{Input: stack.IDs}, serving(1))
	require.EqualError(t, err, `no committed inputs of the form "ids"`)
	require.Empty(t, KindOf("no such task").Rate())
}

// TestWhatContractsCanDo: TGI cannot be told to go on until a length, and what
// ranks classes gives no values to hold others against.
func TestWhatContractsCanDo(t *testing.T) {
	for _, c := range codecs() {
		require.Equal(t, c.task == stack.TextGeneration && c.contract != stack.TGI, c.exact, "%v", c.way)
		ranks := c.contract == stack.Predict || c.contract == stack.TorchServe && c.input == stack.JPEG
		require.Equal(t, !ranks, answersWhole(c.capable()), "%v", c.way)
	}
	for contract, exact := range map[stack.Contract]bool{stack.OpenAI: true, stack.TGI: false} {
		in, err := prompts(workload.Chat, false, stack.Capability{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: contract}, 1)
		require.NoError(t, err)
		b, err := in.Batch(0)
		require.NoError(t, err)
		require.Equal(t, exact, b.Items[0].exact, contract)
		require.Equal(t, in.Items(0), b.Items)
	}
}
