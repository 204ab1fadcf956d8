package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/workload"
)

func serving(width int) Served {
	return Served{Model: stack.Model{Name: "m"}, Width: width, Norm: workload.Normalisation{Std: [3]float32{1, 1, 1}}}
}

func TestRequestsAreDrawn(t *testing.T) {
	s := &Supply{}
	for _, one := range []struct {
		input stack.Input
		batch int
	}{{stack.Text, 1}, {stack.Text, 32}, {stack.JPEG, 1}, {stack.JPEG, 8}, {stack.Tensor, 8}} {
		in, err := drawItems(s, suite.Case{Input: one.input, Batch: one.batch}, serving(1000), 1)
		require.NoError(t, err)
		for n := range 12 {
			b, err := in.Batch(n)
			require.NoError(t, err)
			require.Equal(t, in.Items(n), b.Items)
			require.Len(t, b.Items, one.batch)
			require.Len(t, b.contents, one.batch)
			for _, c := range b.contents {
				require.Equal(t, one.input, c.form())
			}
			if one.input == stack.Tensor {
				require.Len(t, joined(b), one.batch*3*side*side)
			}
		}
	}
	_, err := drawItems(s, suite.Case{Input: "clip", Batch: 1}, serving(1), 1)
	require.EqualError(t, err, `no inputs of the form "clip"`)
}

// TestNoTwoCasesShareAnInput: nothing that one leaf, trial or window sent is
// sent again by another, while the same trial is the same for every stack.
func TestNoTwoCasesShareAnInput(t *testing.T) {
	one, two := textCase(1, 1), textCase(1, 8)
	salts := map[uint64]bool{}
	for seed := range uint64(4) {
		for trial := 1; trial < 12; trial++ {
			o := suite.Options{Record: suite.Record{Trial: trial, Seed: seed}}
			salts[o.Salted(one)], salts[o.Salted(two)] = true, true
		}
	}
	require.Len(t, salts, 2*4*11)
	seen := map[string]bool{}
	for salt := range salts {
		in, err := drawItems(&Supply{}, one, serving(1), salt)
		require.NoError(t, err)
		for window := range 3 {
			for n := range 40 {
				b, err := in.Batch(window<<WindowBits + n)
				require.NoError(t, err)
				again, err := in.Batch(window<<WindowBits + n)
				require.NoError(t, err)
				require.Equal(t, b, again)
				if !b.Items[0].Golden {
					require.False(t, seen[plain(carried[string](b)[0])])
					seen[plain(carried[string](b)[0])] = true
				}
			}
		}
	}
}

// TestMixedSizesAreNeverAlikeEither: requests of other sizes do not share items.
func TestMixedSizesAreNeverAlikeEither(t *testing.T) {
	in, err := drawItems(&Supply{Group: suite.Group{Sizes: []int{1, 2, 8}, Tokens: 16}}, suite.Case{Input: stack.Text, Batch: suite.Mixed}, serving(1), 5)
	require.NoError(t, err)
	seen, sizes := map[string]bool{}, map[int]bool{}
	for n := range 200 {
		items := in.Items(n)
		sizes[len(items)] = true
		for _, it := range items {
			require.True(t, it.Golden || !seen[it.id])
			seen[it.id] = true
		}
	}
	require.Equal(t, map[int]bool{1: true, 2: true, 8: true}, sizes)
}

func TestEverythingCommittedIsDrawnOnce(t *testing.T) {
	have, err := workload.Count(testdata())
	require.NoError(t, err)
	texts := 0
	for _, n := range have.Texts {
		texts += n
	}
	for form, want := range map[stack.Input]int{stack.JPEG: have.Photographs, stack.Tensor: have.Photographs, stack.Text: texts} {
		list, err := everything(suite.Case{Input: form, Batch: 1}, serving(1))
		require.NoError(t, err)
		ids := map[string]bool{}
		for _, b := range list {
			require.Len(t, b.Items, 1)
			require.True(t, b.Items[0].Golden)
			ids[b.Items[0].id] = true
		}
		require.Len(t, list, want)
		require.Len(t, ids, want)
	}
}

func TestRequestsByContract(t *testing.T) {
	m := serving(4)
	jpeg := batch{make([]Item, 2), []content{file([]byte("\xff\xd8\xff\xe0 one")), file([]byte("\xff\xd8\xff\xe0 two"))}}
	require.Equal(t, "m_jpeg", oipFiles(jpeg, m).Model)
	text := batch{make([]Item, 1), []content{sentence("a text")}}
	require.Equal(t, "m_text", oipTexts(text, m).Model)
	tensor := batch{make([]Item, 1), []content{values32(make([]float32, 3*side*side))}}
	require.Equal(t, "m", oipTensor(tensor, m).Model)
	infer := func(b batch, m Served) (http1.Request, error) { return oip.EncodeREST(oipFiles(b, m)) }
	for want, encode := range map[string]func(batch, Served) (http1.Request, error){"/predict": predictFile, "/v2/models/m_jpeg/infer": infer} {
		r, err := encode(jpeg, m)
		require.NoError(t, err)
		require.Equal(t, want, r.Path)
	}
	r, err := openAITexts(text, m)
	require.NoError(t, err)
	require.Equal(t, "/v1/embeddings", r.Path)
	require.Contains(t, string(r.Body), "a text")
}

// TestOneItemIsTakenOutOfARequest: the item and what is sent of it stay together,
// and of what is generated little is asked for. The request itself stays as it was.
func TestOneItemIsTakenOutOfARequest(t *testing.T) {
	m := serving(4)
	for _, f := range forms() {
		all, err := f.form.committed(m)
		require.NoError(t, err)
		if len(all) < 2 {
			continue
		}
		two := batch{[]Item{all[0].Items[0], all[1].Items[0]}, []content{all[0].contents[0], all[1].contents[0]}}
		require.Equal(t, all[1], two.Only(1), f.input)
		require.Equal(t, two, two.Brief(), f.input)
	}
	long := batch{[]Item{{id: "p", asked: 100}}, []content{prompt{workload.Prompt{ID: "p", Tokens: 100}}}}
	require.Equal(t, []content{prompt{workload.Prompt{ID: "p", Tokens: drawnTokens}}}, long.Brief().contents)
	require.Equal(t, []content{prompt{workload.Prompt{ID: "p", Tokens: 100}}}, long.contents)
}

// TestFormsAreOpenedOnce: what costs much and is the same for all models is not
// made again for the next case.
func TestFormsAreOpenedOnce(t *testing.T) {
	s := &Supply{}
	opened := 0
	for range 3 {
		_, err := s.once(stack.JPEG, func() (source, error) { opened++; return sentences{}, nil })
		require.NoError(t, err)
	}
	require.Equal(t, 1, opened)
	_, err := s.once(stack.Text, func() (source, error) { return nil, errNoText })
	require.ErrorIs(t, err, errNoText)
	_, err = s.once(stack.Text, func() (source, error) { return sentences{}, nil })
	require.NoError(t, err, "a failure is not kept")
}
