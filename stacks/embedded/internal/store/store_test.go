package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tiny"
)

func TestOpen(t *testing.T) {
	dir := tiny.Store(t)
	m, err := store.Open(dir, tiny.Image)
	require.NoError(t, err)
	require.Equal(t, "00", m.Weights.SHA256)
	require.Equal(t, []int64{-1, 3, 8, 8}, m.Inputs[0].Shape)
	require.Equal(t, 8, m.Image.Size)
	m, err = store.Open(dir, tiny.Text)
	require.NoError(t, err)
	require.Equal(t, 16, m.Text.MaxTokens)
	require.FileExists(t, m.Graph())
	require.FileExists(t, m.Tokenizer())
	require.Nil(t, m.Decoder)
	m, err = store.Open(dir, tiny.Decoder)
	require.NoError(t, err)
	require.Equal(t, tiny.DecoderSpec(), *m.Decoder)
}

func TestDamagedStores(t *testing.T) {
	check := func(model, file string, damage func([]byte) []byte, message string) {
		t.Helper()
		dir := tiny.Store(t)
		path := filepath.Join(dir, model, file)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		if content = damage(content); content == nil {
			require.NoError(t, os.Remove(path))
		} else {
			require.NoError(t, os.WriteFile(path, content, 0o644))
		}
		_, err = store.Open(dir, model)
		require.ErrorContains(t, err, message)
		require.ErrorContains(t, err, "model store: ")
		require.ErrorContains(t, err, file)
	}
	gone := func([]byte) []byte { return nil }
	swap := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte {
			require.Contains(t, string(b), from)
			return []byte(strings.ReplaceAll(string(b), from, to))
		}
	}
	check(tiny.Image, "model.json", gone, "no such file")
	check(tiny.Image, "model.onnx", gone, "no such file")
	check(tiny.Image, "model.safetensors", gone, "no such file")
	check(tiny.Text, "tokenizer.json", gone, "no such file")
	check(tiny.Image, "model.json", func(b []byte) []byte { return b[:20] }, "unexpected end of JSON")
	check(tiny.Image, "model.json", swap(`"tiny-image"`, `"other"`), `it describes "other"`)
	check(tiny.Image, "model.json", swap(`"image":`, `"picture":`), "exactly one of image and text")
	check(tiny.Image, "model.json", swap(`FP32`, `FP16`), "want FP32")
	check(tiny.Image, "model.json", swap(`[-1,3,8,8]`, `[-1,8,8,3]`), "the image recipe makes")
	check(tiny.Image, "model.json", swap(`[-1,7]`, `[-1,-1]`), "want FP32 [-1, n]")
	check(tiny.Text, "model.json", swap(`INT64`, `INT32`), "want INT64")
	check(tiny.Text, "model.json", swap(`"max_tokens":16`, `"max_tokens":0`), "max_tokens is 0")
	check(tiny.Text, "model.json", swap(`"outputs"`, `"results"`), "0 outputs")
	check(tiny.Decoder, "model.json", swap(`"layers":2`, `"layers":0`), "the decoder has 0 layers")
	check(tiny.Decoder, "model.json", swap(`"context":48`, `"context":1`), "context is 1")
	check(tiny.Decoder, "model.json", swap(`"vocab":11`, `"vocab":12`), "a vocab of 12")
	check(tiny.Decoder, "model.json", swap(`"eos":0`, `"eos":11`), "an eos of 11")
	check(tiny.Decoder, "model.json", swap(`"position_ids"`, `"positions"`), "the inputs are")
	check(tiny.Image, "model.json", swap(`"image":`, `"decoder":{},"image":`), "a decoder, but no text")
	check(tiny.Image, "model.safetensors", func(b []byte) []byte { return b[:len(b)-1] }, "tensors end at byte")
	check(tiny.Image, "model.safetensors", func(b []byte) []byte { return b[:100] }, "in a file of 100")
	check(tiny.Image, "model.safetensors", func(b []byte) []byte { return b[:3] }, "no header length")
}
