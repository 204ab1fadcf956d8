package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

func serving(width int) served {
	return served{Model: stack.Model{Name: "m"}, Width: width, Norm: workload.Normalisation{Std: [3]float32{1, 1, 1}}}
}

func TestRequestsAreDrawn(t *testing.T) {
	for _, one := range []struct {
		input           stack.Input
		batch, requests int
	}{
		{stack.Text, 1, 256}, {stack.Text, 32, 256},
		{stack.JPEG, 1, 256}, {stack.JPEG, 8, 32}, {stack.JPEG, 32, 8},
		{stack.Tensor, 8, 27}, {stack.Tensor, 32, 6},
	} {
		list, err := Group{}.draw(Case{Input: one.input, Batch: one.batch}, serving(1000), 1)
		require.NoError(t, err)
		require.Len(t, list, one.requests, "%s in batches of %d", one.input, one.batch)
		for _, b := range list {
			require.Len(t, b.items, one.batch)
			require.Equal(t, one.input, b.input)
			switch one.input {
			case stack.JPEG:
				require.Len(t, b.files, one.batch)
			case stack.Text:
				require.Len(t, b.texts, one.batch)
			case stack.Tensor:
				require.Len(t, b.numbers, one.batch*3*side*side)
			}
		}
	}
	_, err := Group{}.draw(Case{Input: "clip", Batch: 1}, serving(1), 1)
	require.EqualError(t, err, `no inputs of the form "clip"`)
}

// TestSaltChangesEveryRequest: no cache keyed by a request may answer in the
// next trial, while the same trial is the same for every stack.
func TestSaltChangesEveryRequest(t *testing.T) {
	salts := map[uint64]bool{}
	for seed := range uint64(4) {
		for trial := 1; trial < 12; trial++ {
			salts[Options{Record: Record{Trial: trial, Seed: seed}}.salt()] = true
		}
	}
	require.Len(t, salts, 4*11)
	for _, c := range []Case{{Input: stack.JPEG, Batch: 8}, {Input: stack.Text, Batch: 8}, {Input: stack.Tensor, Batch: 32}} {
		one, err := Group{}.draw(c, serving(1), 1)
		require.NoError(t, err)
		same, err := Group{}.draw(c, serving(1), 1)
		require.NoError(t, err)
		other, err := Group{}.draw(c, serving(1), 2)
		require.NoError(t, err)
		require.Equal(t, one, same)
		for i := range one {
			require.NotEqual(t, one[i], other[i])
		}
	}
}

func TestEverythingCommittedIsDrawnOnce(t *testing.T) {
	have, err := workload.Count(testdata())
	require.NoError(t, err)
	texts := 0
	for _, n := range have.Texts {
		texts += n
	}
	for form, want := range map[stack.Input]int{stack.JPEG: have.Photographs, stack.Tensor: have.Photographs, stack.Text: texts} {
		list, err := everything(Case{Input: form, Batch: 1}, serving(1))
		require.NoError(t, err)
		ids := map[string]bool{}
		for _, b := range list {
			require.Len(t, b.items, 1)
			require.True(t, b.items[0].golden)
			ids[b.items[0].id] = true
		}
		require.Len(t, list, want)
		require.Len(t, ids, want)
	}
}

func TestRequestsByContract(t *testing.T) {
	m := serving(4)
	jpeg := batch{items: make([]item, 2), input: stack.JPEG, files: [][]byte{[]byte("\xff\xd8\xff\xe0 one"), []byte("\xff\xd8\xff\xe0 two")}}
	require.Equal(t, "m_jpeg", jpeg.oip(m).Model)
	text := batch{items: make([]item, 1), input: stack.Text, texts: []string{"a text"}}
	require.Equal(t, "m_text", text.oip(m).Model)
	tensor := batch{items: make([]item, 1), input: stack.Tensor, numbers: make([]float32, 3*side*side)}
	require.Equal(t, "m", tensor.oip(m).Model)
	for contract, want := range map[stack.Contract]string{stack.Predict: "/predict", stack.OIP: "/v2/models/m_jpeg/infer"} {
		r, err := jpeg.rest(contract, m)
		require.NoError(t, err)
		require.Equal(t, want, r.Path)
	}
	r, err := text.rest(stack.OpenAI, m)
	require.NoError(t, err)
	require.Equal(t, "/v1/embeddings", r.Path)
	require.Contains(t, string(r.Body), "a text")
}
