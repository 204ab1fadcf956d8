package triton_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/model"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/tokenizer"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
)

// TestTheRealServerWithTexts sends it a text as text and as token ids. The
// preprocessing is that of the official image, which pads texts so that
// requests of about one length can be computed together; the embedding does not
// show it.
func TestTheRealServerWithTexts(t *testing.T) {
	const minilm, words = "all-minilm-l6-v2", "which stack should carry this model?"
	cache := t.TempDir()
	s := real(t, filepath.Join(cache, "models"), stack.Model{Name: minilm})
	m, err := model.Open(cache).Prepare(t.Context(), minilm, model.Seeded, nil)
	require.NoError(t, err)
	s.Run.Model, s.Run.Batch = m.Model, stack.Batching{Max: 8}
	own := s.Stack.Container.Files
	s.Stack.Container.Files = func(r stack.Run) (stack.Files, error) {
		files, err := own(r)
		require.NoError(t, err)
		r.Device = stack.GPU
		official, err := own(r)
		const config = minilm + "_preprocess/config.pbtxt"
		files.Content[config] = official.Content[config]
		return files, err
	}
	up, err := boot.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, up.Stop(context.Background())) })

	text := []oip.Tensor{oip.NewBYTES("TEXT", []int64{1, 1}, [][]byte{[]byte(words)})}
	q, err := oip.EncodeREST(oip.Request{Model: minilm + "_preprocess", Inputs: text, Outputs: []string{"attention_mask"}})
	require.NoError(t, err)
	reply := http1.Fetch(t.Context(), up.Endpoint.REST, q)
	mask, err := oip.DecodeREST(record.Answer{Head: reply.Head, Body: reply.Body})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 32}, mask[0].Shape)

	encoder, err := tokenizer.Open(filepath.Join(m.Dir, model.TokenizerFile), m.Text.MaxTokens)
	require.NoError(t, err)
	ids, err := encoder.Encode(words)
	require.NoError(t, err)
	require.Less(t, len(ids), 32)
	ones, shape := make([]int64, len(ids)), []int64{1, int64(len(ids))}
	for i := range ones {
		ones[i] = 1
	}
	unpadded := ask(t, up.Endpoint, oip.Request{Model: minilm, Inputs: []oip.Tensor{
		oip.NewINT64("input_ids", shape, ids), oip.NewINT64("attention_mask", shape, ones), oip.NewINT64("token_type_ids", shape, make([]int64, len(ids))),
	}})
	padded := ask(t, up.Endpoint, oip.Request{Model: minilm + "_text", Inputs: text})
	require.Len(t, padded, 384)
	require.InDeltaSlice(t, unpadded, padded, 1e-5)

	text[0] = oip.NewBYTES("TEXT", []int64{1, 1}, [][]byte{{0xff, 0xfe}})
	refused(t, up.Endpoint, oip.Request{Model: minilm + "_text", Inputs: text}, 400, "the text is not UTF-8")
}
