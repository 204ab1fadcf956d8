package hub_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

func encoder(name string, width int64) stack.Model {
	return stack.Model{
		Name: name, Text: &stack.TextSpec{MaxTokens: 256},
		Graphs: []stack.Graph{{
			Name: stack.Whole, Precision: stack.FP32,
			Outputs: []stack.TensorSpec{{Name: "sentence_embedding", Datatype: "FP32", Shape: []int64{-1, width}}},
		}},
	}
}

func TestSentences(t *testing.T) {
	for name, width := range map[string]int64{"all-minilm-l6-v2": 384, "all-mpnet-base-v2": 768} {
		got, err := hub.Sentences(encoder(name, width))
		require.NoError(t, err)
		require.Equal(t, []string{
			"1_Pooling/config.json", "2_Normalize/", "config.json", "modules.json", "sentence_bert_config.json", "tokenizer_config.json",
		}, slices.Sorted(maps.Keys(got.Content)))
		require.Equal(t, map[string]string{"model.safetensors": "model.safetensors", "tokenizer.json": "tokenizer.json"}, got.Links)
		var config struct {
			Width int64 `json:"hidden_size"`
		}
		require.NoError(t, json.Unmarshal(got.Content["config.json"], &config))
		require.Equal(t, width, config.Width, "the configuration is that of the weights")
		require.JSONEq(t, `{"max_seq_length":256,"do_lower_case":false}`, string(got.Content["sentence_bert_config.json"]))
		require.Contains(t, string(got.Content["1_Pooling/config.json"]), `"pooling_mode_mean_tokens": true`)
	}
}

// shape is a decoder's as the hub writes it, which for GPT-2 has names of its own.
type shape struct {
	Architectures []string `json:"architectures"`
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	KVHeads       int      `json:"num_key_value_heads"`
	Width         int      `json:"hidden_size"`
	Vocab         int      `json:"vocab_size"`
	Context       int      `json:"max_position_embeddings"`
	EOS           int64    `json:"eos_token_id"`
	Tied          bool     `json:"tie_word_embeddings"`
	Type          string   `json:"torch_dtype"`
	Theta         float64  `json:"rope_theta"`
	Epsilon       float64  `json:"rms_norm_eps"`
}

func TestCausal(t *testing.T) {
	for name, c := range map[string]struct {
		architecture string
		decoder      stack.DecoderSpec
	}{
		"gpt2":     {"GPT2LMHeadModel", stack.DecoderSpec{Layers: 12, Heads: 12, KVHeads: 12, HeadDim: 64, Vocab: 50257, Context: 1024, EOS: 50256}},
		"opt-125m": {"OPTForCausalLM", stack.DecoderSpec{Layers: 12, Heads: 12, KVHeads: 12, HeadDim: 64, Vocab: 50272, Context: 2048, EOS: 2}},
		"smollm2-135m-q4_1-dequant": {
			"LlamaForCausalLM", stack.DecoderSpec{Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, Vocab: 49152, Context: 2048, EOS: 2},
		},
	} {
		got, err := hub.Causal(stack.Model{Name: name, Decoder: &c.decoder})
		require.NoError(t, err)
		require.Equal(t, []string{"config.json", "generation_config.json", "tokenizer_config.json"}, slices.Sorted(maps.Keys(got.Content)))
		require.Equal(t, map[string]string{"model.safetensors": "model.safetensors", "tokenizer.json": "tokenizer.json"}, got.Links)
		text := string(got.Content["config.json"])
		if name == "gpt2" {
			text = strings.NewReplacer("n_layer", "num_hidden_layers", "n_head", "num_attention_heads", "n_embd", "hidden_size", "n_positions", "max_position_embeddings").Replace(text)
		}
		var its shape
		require.NoError(t, json.Unmarshal([]byte(text), &its))
		require.Equal(t, []string{c.architecture}, its.Architectures)
		require.GreaterOrEqual(t, its.Context, c.decoder.Context, "%s: the server would refuse what the model here takes", name)
		its.Architectures, its.Context, its.KVHeads = nil, 0, cmp.Or(its.KVHeads, its.Heads)
		want := shape{
			Layers: c.decoder.Layers, Heads: c.decoder.Heads, KVHeads: c.decoder.KVHeads, Width: c.decoder.Heads * c.decoder.HeadDim,
			Vocab: c.decoder.Vocab, EOS: c.decoder.EOS, Tied: true, Type: "float32",
		}
		if c.architecture == "LlamaForCausalLM" {
			want.Theta, want.Epsilon = 100000, 1e-5
		}
		require.Equal(t, want, its, name)
		var generation struct {
			EOS int64 `json:"eos_token_id"`
		}
		require.NoError(t, json.Unmarshal(got.Content["generation_config.json"], &generation))
		require.Equal(t, c.decoder.EOS, generation.EOS)
		require.Contains(t, string(got.Content["tokenizer_config.json"]), `"tokenizer_class": "PreTrainedTokenizerFast"`)
	}
}

func TestModelsThatTheHubsServersDoNotServe(t *testing.T) {
	_, err := hub.Sentences(encoder("mine", 3))
	require.EqualError(t, err, "the hub's config.json of mine is not known here: add it to stacks/hub/configs")
	_, err = hub.Causal(stack.Model{Name: "mine", Decoder: &stack.DecoderSpec{}})
	require.EqualError(t, err, "the hub's config.json of mine is not known here: add it to stacks/hub/configs")
	_, err = hub.Causal(encoder("all-minilm-l6-v2", 384))
	require.EqualError(t, err, "all-minilm-l6-v2 generates no text")
	_, err = hub.Sentences(stack.Model{Name: "all-minilm-l6-v2"})
	require.EqualError(t, err, "all-minilm-l6-v2 is no sentence encoder")
}
