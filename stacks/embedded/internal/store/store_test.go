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
	require.Equal(t, []int64{-1, 3, 8, 8}, m.Whole().Inputs[0].Shape)
	require.Equal(t, 8, m.Image.Size)
	m, err = store.Open(dir, tiny.Text)
	require.NoError(t, err)
	require.Equal(t, 16, m.Text.MaxTokens)
	require.FileExists(t, m.Path(m.Whole()))
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
	check(tiny.Text, "model.json", swap(`"graphs"`, `"pictures"`), "it has no graphs")
	check(tiny.Text, "model.json", swap(`"model.onnx"`, `"../model.onnx"`), `in the file "../model.onnx"`)
	check(tiny.Text, "model.json", swap(`"outputs":[`, `"outputs":[{"name":"more"},`), "2 outputs, want one")
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

// TestGraphsOfAModel opens what the model store wrote of a model of two parts,
// and of one in two precisions.
func TestGraphsOfAModel(t *testing.T) {
	dir := tiny.Parts(t)
	pair, err := store.Open(dir, tiny.Pair)
	require.NoError(t, err)
	encoder, err := pair.Part("encoder")
	require.NoError(t, err)
	decoder, err := pair.Part("decoder")
	require.NoError(t, err)
	require.Equal(t, encoder.Outputs[0], decoder.Inputs[1], "what the one gives, the other takes")
	require.Equal(t, "attention_mask", encoder.Inputs[1].Name)
	require.Equal(t, []int64{-1, -1, 10}, decoder.Outputs[0].Shape)
	require.Equal(t, filepath.Join(dir, tiny.Pair, "decoder.onnx"), pair.Path(decoder))
	require.Empty(t, pair.Whole())
	_, err = pair.Part("model")
	require.EqualError(t, err, `model store: tiny-pair has no graph "model" in fp32`)

	variant, err := store.Open(dir, tiny.Variant)
	require.NoError(t, err)
	require.Equal(t, "model.onnx", variant.Whole().File)
	rounded, err := variant.In("int8")
	require.NoError(t, err)
	require.Equal(t, "model.int8.onnx", rounded.Whole().File)
	require.Equal(t, "model.onnx", variant.Whole().File)

	require.NoError(t, os.Remove(pair.Path(encoder)))
	_, err = store.Open(dir, tiny.Pair)
	require.ErrorContains(t, err, "encoder.onnx: no such file")
	path := filepath.Join(dir, tiny.Variant, "model.json")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(content), `"int8"`, `"fp32"`, 1)), 0o644))
	_, err = store.Open(dir, tiny.Variant)
	require.ErrorContains(t, err, "the graph model in fp32 is there twice")
}
