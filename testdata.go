// Package stackbench holds what the repository's root has to offer to the
// packages below it: the inputs and golden outputs of testdata, embedded, so
// that a benchmark binary runs on a machine without the sources.
package stackbench

import (
	"embed"
	"io/fs"
)

//go:embed testdata/images/manifest.json testdata/images/*.jpg testdata/texts/texts.json
var embedded embed.FS

// Testdata is the folder testdata: images/manifest.json and images/<id>.jpg,
// texts/texts.json, and golden/<model>.safetensors.
func Testdata() fs.FS {
	sub, err := fs.Sub(embedded, "testdata")
	if err != nil {
		panic(err) // only for an invalid path, and this one is constant
	}
	return sub
}
