package hub_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

func encoder(name string, width int64) stack.Model {
	return stack.Model{
		Name: name, Text: &stack.TextSpec{MaxTokens: 256},
		Outputs: []stack.TensorSpec{{Name: "sentence_embedding", Datatype: "FP32", Shape: []int64{-1, width}}},
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

func TestModelsThatTheHubsServersDoNotServe(t *testing.T) {
	_, err := hub.Sentences(encoder("mine", 3))
	require.EqualError(t, err, "the hub's config.json of mine is not known here: add it to stacks/hub/configs")
	_, err = hub.Sentences(stack.Model{Name: "all-minilm-l6-v2"})
	require.EqualError(t, err, "all-minilm-l6-v2 is no sentence encoder")
}
