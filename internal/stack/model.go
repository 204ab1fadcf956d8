package stack

// Model is what must be known of a model to serve it: enough for a stack to
// write its server's own description of it. The names in JSON are those of the
// store's model.json.
type Model struct {
	Name         string       `json:"name"` // also of its folder in the store
	Task         Task         `json:"task"`
	Architecture string       `json:"architecture"`
	Graphs       []Graph      `json:"graphs"`
	Image        *ImageSpec   `json:"image,omitempty"`   // of image models
	Text         *TextSpec    `json:"text,omitempty"`    // of text models
	Decoder      *DecoderSpec `json:"decoder,omitempty"` // of models that generate text
}

// TensorSpec is an input or output as the Open Inference Protocol names it; −1
// in its shape is any size.
type TensorSpec struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// ImageSpec says how a picture becomes a tensor: the centre square of crop × the
// short side, scaled with an antialiased filter, then (value − mean) ÷ std.
type ImageSpec struct {
	Crop   float64    `json:"crop"`
	Size   int        `json:"size"`   // pixels
	Filter string     `json:"filter"` // bilinear or bicubic
	Mean   [3]float64 `json:"mean"`   // red, green, blue on 0…255
	Std    [3]float64 `json:"std"`
}

// TextSpec says how a text becomes token ids.
type TextSpec struct {
	MaxTokens int    `json:"max_tokens"` // special tokens included
	PadID     int64  `json:"pad_id"`
	Lowercase bool   `json:"lowercase"`
	SHA256    string `json:"tokenizer_sha256"` // of tokenizer.json
}

// DecoderSpec is what a server must know of a decoder to run it with a cache of
// keys and values. Its graph has, beside input_ids [batch, new], attention_mask
// [batch, past + new] and position_ids [batch, new], the inputs
// past_key_values.N.key and .value [batch, kv_heads, past, head_dim] of each
// layer, and gives logits [batch, vocab] of the last position, and
// present.N.key and .value [batch, kv_heads, past + new, head_dim]. The names
// are those of Optimum's exports.
type DecoderSpec struct {
	Layers  int   `json:"layers"`
	Heads   int   `json:"heads"`
	KVHeads int   `json:"kv_heads"`
	HeadDim int   `json:"head_dim"`
	Vocab   int   `json:"vocab"`   // tokens; the logits are that wide
	Context int   `json:"context"` // tokens of prompt and answer together
	EOS     int64 `json:"eos"`     // token that ends an answer
}
