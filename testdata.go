// Package stackbench holds what the repository's root has to offer to the
// packages below it: the inputs and golden outputs of testdata, embedded, so
// that a benchmark binary runs on a machine without the sources.
package stackbench

import (
	"embed"
	"io/fs"
)

//go:embed testdata/images/manifest.json testdata/images/*.jpg testdata/audio/manifest.json testdata/audio/*.wav testdata/tensors/*.png testdata/texts/texts.json testdata/prompts/*.json testdata/golden/*.safetensors testdata/golden/*.json
var embedded embed.FS

// Testdata is the folder testdata: images/manifest.json, images/<id>.jpg and
// their lossless cuts tensors/<id>.png, audio/manifest.json, audio/<id>.wav,
// texts/texts.json, prompts/*.json, and
// golden/<model>.json with greedy texts or golden/<model>.safetensors with one float32 tensor an input: <id> for a JPEG
// (logits [1000]) or a text (embedding [dim]), <id>.tensor for a lossless cut.
func Testdata() fs.FS {
	sub, err := fs.Sub(embedded, "testdata")
	if err != nil {
		panic(err) // only for an invalid path, and this one is constant
	}
	return sub
}
