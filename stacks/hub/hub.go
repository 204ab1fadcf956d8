// Package hub lays a model's files out as Hugging Face's hub has them, which is
// how the servers around its libraries want to find a model: the
// configurations are the hub's own, the weights and the tokenizer are the
// store's. Source of the layout: sentence-transformers, "Save & Load".
package hub

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"

	"stackbench/internal/stack"
)

//go:embed configs
var configs embed.FS

// module is an entry of modules.json: what a text passes, one after the other.
type module struct {
	Index int    `json:"idx"`
	Name  string `json:"name"`
	Path  string `json:"path"`
	Type  string `json:"type"`
}

// pooling is 1_Pooling/config.json.
type pooling struct {
	Width int  `json:"word_embedding_dimension"`
	CLS   bool `json:"pooling_mode_cls_token"`
	Mean  bool `json:"pooling_mode_mean_tokens"`
	Max   bool `json:"pooling_mode_max_tokens"`
	Sqrt  bool `json:"pooling_mode_mean_sqrt_len_tokens"`
}

// Causal is the folder of a model that generates text. The configurations ask
// for the tokenizer as tokenizer.json has it, not for the class that would make
// one of its own of the vocabulary. An error says that the hub's configuration
// of the model is not known here.
func Causal(m stack.Model) (stack.Files, error) {
	if m.Decoder == nil {
		return stack.Files{}, fmt.Errorf("%s generates no text", m.Name)
	}
	return folder(m, "config.json", "generation_config.json", "tokenizer_config.json")
}

// folder is what all have: the hub's files of those names, weights and tokenizer.
func folder(m stack.Model, names ...string) (stack.Files, error) {
	out := stack.Files{
		Content: map[string][]byte{},
		Links:   map[string]string{"model.safetensors": "model.safetensors", "tokenizer.json": "tokenizer.json"},
	}
	for _, name := range names {
		text, err := configs.ReadFile(path.Join("configs", m.Name, name))
		if err != nil {
			return stack.Files{}, fmt.Errorf("the hub's %s of %s is not known here: add it to stacks/hub/configs", name, m.Name)
		}
		out.Content[name] = text
	}
	return out, nil
}

// Sentences is the folder of a sentence-transformers model: tokens to
// embeddings, their mean, of length 1. An error says that the hub's
// configuration of the model is not known here.
func Sentences(m stack.Model) (stack.Files, error) {
	out, err := folder(m, "config.json", "tokenizer_config.json")
	if err != nil {
		return stack.Files{}, err
	}
	out.Content["2_Normalize/"] = nil
	g, _ := m.Graph(stack.Whole, stack.FP32)
	if m.Text == nil || len(g.Outputs) == 0 {
		return stack.Files{}, fmt.Errorf("%s is no sentence encoder", m.Name)
	}
	shape := g.Outputs[0].Shape
	const kind = "sentence_transformers.models."
	for name, doc := range map[string]any{
		"modules.json": []module{
			{0, "0", "", kind + "Transformer"}, {1, "1", "1_Pooling", kind + "Pooling"}, {2, "2", "2_Normalize", kind + "Normalize"},
		},
		"1_Pooling/config.json": pooling{Width: int(shape[len(shape)-1]), Mean: true},
		"sentence_bert_config.json": struct {
			Longest   int  `json:"max_seq_length"`
			Lowercase bool `json:"do_lower_case"`
		}{m.Text.MaxTokens, false}, // the tokenizer's own affair
	} {
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return stack.Files{}, err
		}
		out.Content[name] = append(text, '\n')
	}
	return out, nil
}
