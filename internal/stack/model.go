package stack

// Model is what must be known of a model to serve it: enough for a stack to
// write its server's own description of it. The names in JSON are those of the
// store's model.json.
type Model struct {
	Name         string       `json:"name"` // also of its folder in the store
	Task         Task         `json:"task"`
	Architecture string       `json:"architecture"`
	Inputs       []TensorSpec `json:"inputs"`
	Outputs      []TensorSpec `json:"outputs"`
	Image        *ImageSpec   `json:"image,omitempty"` // of image models
	Text         *TextSpec    `json:"text,omitempty"`  // of text models
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
