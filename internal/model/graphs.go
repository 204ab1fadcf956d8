package model

import (
	"embed"
	"fmt"
)

// graphs are the ONNX skeletons, one a model. Their generator lies beside them.
//
//go:embed graphs/*.onnx
var graphs embed.FS

// skeleton is a model's graph, its weights still at no place.
func skeleton(name string) ([]byte, error) {
	data, err := graphs.ReadFile("graphs/" + name + ".onnx")
	if err != nil {
		return nil, fmt.Errorf("no graph of %s: %w", name, err)
	}
	return data, nil
}
