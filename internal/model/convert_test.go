package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLlamaCppOrderOfRowsIsUndone(t *testing.T) {
	// Two heads of four rows: llama.cpp has the rotated pairs (0,2) and (1,3) side by side.
	published := []float32{0, 1, 2, 3, 10, 11, 12, 13}
	there := []float32{0, 2, 1, 3, 10, 12, 11, 13}
	require.Equal(t, published, unpaired(there, []int64{8, 1}, 2))
}

func TestNamesOfLlamaCpp(t *testing.T) {
	for name, want := range map[string]string{
		"model.embed_tokens.weight":                      "token_embd.weight",
		"model.norm.weight":                              "output_norm.weight",
		"model.layers.7.self_attn.k_proj.weight":         "blk.7.attn_k.weight",
		"model.layers.29.mlp.down_proj.weight":           "blk.29.ffn_down.weight",
		"model.layers.0.post_attention_layernorm.weight": "blk.0.ffn_norm.weight",
	} {
		require.Equal(t, want, ggmlName(name))
	}
}

func TestOpenAIsTwoFilesAreOneTokenizer(t *testing.T) {
	dir := t.TempDir()
	l := lexicon{format: openAI, file: filepath.Join(dir, "encoder.json"), merges: filepath.Join(dir, "vocab.bpe")}
	require.NoError(t, os.WriteFile(l.file, []byte(`{"a":0,"b":1,"ab":2,"<|endoftext|>":3}`), 0o600))
	require.NoError(t, os.WriteFile(l.merges, []byte("#version: 0.2\na b\n"), 0o600))
	data, err := l.read()
	require.NoError(t, err)
	var b bytePair
	require.NoError(t, json.Unmarshal(data, &b))
	require.Equal(t, []string{"a b"}, b.Model.Merges)
	require.Equal(t, []addedToken{{ID: 3, Content: "<|endoftext|>", Special: true}}, b.Added)

	full, err := filled(data, 6)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(full, &b))
	require.Len(t, b.Added, 3)
	require.Equal(t, addedToken{ID: 5, Content: "<|filler_5|>"}, b.Added[2], "every id of the model has a text")
}
